#include "cli/certificate_manager.h"

int main(int argc, char** argv) { return countersign::cli::RunCertificateManager(argc, argv); }
