#include "cli/countersign.h"
#include "crypto/wiping_memory.h"

int main(int argc, char** argv) {
  countersign::crypto::WipeOpenSslMemory();
  return countersign::cli::RunCountersign(argc, argv);
}
