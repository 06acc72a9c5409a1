#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/history.h"
#include "wire/messages.h"

// Test support: valid messages with every optional member set, and what a test needs to break them
// one member at a time. Linked into tests, seed and interoperability programs only.
namespace countersign::wire::testing {

[[nodiscard]] Digest SampleDigest(std::uint8_t fill);
[[nodiscard]] Token128 SampleToken(std::uint8_t fill);
[[nodiscard]] Uuid SampleUuid(std::uint8_t fill);
// SampleKey is one P-256 key for the whole program.
[[nodiscard]] const crypto::PrivateKey& SampleKey();

[[nodiscard]] Held SampleHeld();
[[nodiscard]] Order SampleOrder();
[[nodiscard]] Receipt SampleReceipt();
// SampleReport's `iss` is the id of `key`.
[[nodiscard]] Report SampleReport(const crypto::PublicKey& key);
[[nodiscard]] Reply SampleReply();
// SampleHistoryLine is line 7.
[[nodiscard]] HistoryLine SampleHistoryLine();

// JwsText is header and payload of a message as JSON text.
struct JwsText {
  std::string header;
  std::string payload;
};
[[nodiscard]] JwsText Open(std::string_view message);
// Unsigned puts a message together with a signature field that verifies nowhere.
[[nodiscard]] std::string Unsigned(const JwsText& text);
// Signed puts it together with a real signature.
[[nodiscard]] std::string Signed(const JwsText& text, const crypto::Signer& signer);

// With replaces or adds the member at a JSON pointer ("/held/generation") by raw JSON text, Without
// removes it.
[[nodiscard]] std::string With(std::string_view json, std::string_view pointer,
                               std::string_view raw);
[[nodiscard]] std::string Without(std::string_view json, std::string_view pointer);
// Quoted is a JSON string. REQUIRES: nothing in `text` has to be escaped.
[[nodiscard]] std::string Quoted(std::string_view text);

// Broken is a JSON text with one fault.
struct Broken {
  std::string what;  // "/held/owner doubled"
  std::string json;
};
// BreakEach makes, for each member of each object within, one text without it (unless its pointer
// is in `optional`), with it twice, twice but for an escape in its name, with each other type and
// with null (unless in `nullable`); and for each object one text with a member too many. Objects
// whose pointer is in `open` are not entered.
struct BreakOptions {
  std::vector<std::string> optional = {};
  std::vector<std::string> nullable = {};
  std::vector<std::string> open = {};
};
[[nodiscard]] std::vector<Broken> BreakEach(std::string_view json, const BreakOptions& options);

}  // namespace countersign::wire::testing
