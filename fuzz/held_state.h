#pragma once

#include <string_view>

namespace countersign::fuzz {

// The trust state "held" of tests/vectors/rule_a.json as a file in base64, written by
// countersign-vector-seeds with the corpus.
inline constexpr std::string_view kHeldState =
    "Q1NUUwGHwe894T3UCLeBnO5Xt3ETMcdbWVtufT3wFTRHzG5ACG8dbB6POk0OmlMMK39eGgEAAAAAahilAAAAAggwgg"
    "IEMIIBqqADAgECAhBqqdBrii62c0n0onUweQSxMAoGCCqGSM49BAMCMBwxGjAYBgNVBAMMEUNvdW50ZXJzaWduIG93"
    "bmVyMB4XDTI2MDEwMTAwMDAwMFoXDTI5MDEwMTAwMDAwMFowNjEfMB0GA1UEAwwWT2ZmaWNlU2NhbiBTZXJ2ZXIgTl"
    "RTRzETMBEGA1UELhMKMTc4MDAwMDAwMDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMlx1alGDnCckS1dyEdT5BMp"
    "+BFprH+gkLTzgOjAznzKpWhtB/WY5P50Fn3KYw1iUvgGs4gPbUQRIo3ghdnCSqWjgbMwgbAwDAYDVR0TAQH/BAIwAD"
    "AOBgNVHQ8BAf8EBAMCB4AwKQYDVR0OBCIEIK0pf1cevOt9it2+hhdpYlV8gqOFivHswbas7c9FfdgLMCsGA1UdIwQk"
    "MCKAIIfB7z3hPdQIt4Gc7le3cRMxx1tZW259PfAVNEfMbkAIMDgGA1UdEQQxMC+GLXVybjp1dWlkOjZmMWQ2YzFlLT"
    "hmM2EtNGQwZS05YTUzLTBjMmI3ZjVlMWEwMTAKBggqhkjOPQQDAgNIADBFAiBwY1w2UM31gP+cp26NMC3f4j/xFsio"
    "mjPrsXTfzqQTfwIhAIm2mgGOwwdyJ5O9oseDlFNNVklw+YLSvVFBzI3vpmJAAAFvHWwejzpNDppTDCt/XhoBAAAAAG"
    "oYpQB/uampaIc+1N8JHW69BdePX7+kRHqHRvisMGxdv4kB2fS+aBr6mjb4VAji7Ps0Vw8fuzWzIjT8+PnALEUdMWFy";

}  // namespace countersign::fuzz
