#include "cli/countersign.h"

int main(int argc, char** argv) { return countersign::cli::RunCountersign(argc, argv); }
