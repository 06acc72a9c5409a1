#pragma once

#include <cstdint>
#include <string>

#include "store/registry.h"

// Rows for tests: every field set, none twice the same, so that a column mixed up shows.
namespace countersign::store {

// What text from agents may be: NUL, quotes, control characters, UTF-8, and octets that are none.
inline constexpr char kOddOctets[] =
    "a\0b'\"\\;--\n\r\t%_\x7f \xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91 \xff\xfe\xc0\x80";
inline const std::string kOddText(kOddOctets, sizeof(kOddOctets) - 1);

inline std::array<std::uint8_t, 16> Sample16(std::uint32_t number) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    bytes[15 - i] = static_cast<std::uint8_t>(0xa0 + i);
  }
  return bytes;
}

inline Digest Sample32(std::uint32_t number) {
  Digest digest{};
  const auto half = Sample16(number);
  std::copy(half.begin(), half.end(), digest.begin());
  digest[31] = 0xdd;
  return digest;
}

// Agents sort by number.
inline AgentId SampleAgentId(std::uint32_t number) { return AgentId(Sample16(number)); }

// PlainAgent is admitted, standing "verified", with nothing special.
inline AgentRow PlainAgent(std::uint32_t number) {
  AgentRow row;
  row.id = SampleAgentId(number);
  row.key = Bytes(91, static_cast<std::uint8_t>(number));
  row.admitted = true;
  row.admitted_by = "approved";
  row.host = "host-" + std::to_string(number);
  row.source = "192.0.2.1";
  row.standing = "verified";
  row.first_seen = FromUnix(1'000);
  row.last_contact = FromUnix(2'000);
  return row;
}

inline AgentRow FullAgent(std::uint32_t number) {
  AgentRow row = PlainAgent(number);
  row.admitted_by = "token:7";
  row.host = kOddText + "h";
  row.addresses = {"192.0.2.7", "2001:db8::7", "", kOddText};
  row.source = kOddText + "s";
  row.port = 65'535;
  row.domain = kOddText + "d";
  row.version = kOddText + "v";
  row.platform = kOddText + "p";
  row.batch = true;
  row.held_known = true;
  row.held_thumbprint = Sample32(11);
  row.held_generation = (std::uint64_t{1} << 53) - 1;
  row.held_owner = Sample32(12);
  row.held_server = ServerId(Sample16(13));
  row.aud = ServerId(Sample16(14));
  row.held_bundle = Bytes(32 * 1024, 0x5a);
  row.want_bundle = true;
  row.standing = "mismatched";
  row.reason = "other-owner";
  row.standing_since = FromUnix(3'001);
  row.first_seen = FromUnix(-5);
  row.last_contact = FromUnix(3'002);
  row.last_verified = FromUnix(253'402'300'799);
  row.clock_offset = -1'234'567;
  row.proved_seq = ~std::uint64_t{0};
  row.instance = Instance(Sample16(15));
  row.instance_epoch = 16;
  row.replaced = {{Instance(Sample16(17)), 18}, {Instance(Sample16(19)), 20}};
  row.returns = {FromUnix(21), FromUnix(-22)};
  row.jump = std::uint64_t{1} << 63;
  row.cloned = true;
  row.nonces = {{Nonce(Sample16(23)), FromUnix(24), 25, 26, true},
                {Nonce(Sample16(27)), FromUnix(28), 29, 30, false}};
  row.failures = 31;
  row.last_refusal = "fork";
  row.successor = AgentId(Sample16(32));
  row.tls = true;
  row.moved_to = kOddText + "m";
  row.failed_calls = ~std::uint32_t{0};
  row.call_failed_at = FromUnix(3'003);
  row.call_answered_at = FromUnix(-3'004);
  row.arriving = true;
  row.unreachable = true;
  row.reach_since = FromUnix(3'005);
  row.silent_at = FromUnix(3'006);
  return row;
}

// PlainOrder is queued, due from 1,000 on and expires at 100,000.
inline OrderRow PlainOrder(std::uint32_t number, const AgentId& agent) {
  OrderRow row;
  row.jti = Jti(Sample16(number));
  row.agent = agent;
  row.act = "report-now";
  row.by = "admin";
  row.created = FromUnix(900);
  row.jti_drawn = FromUnix(901);
  row.expires = FromUnix(100'000);
  row.next_attempt = FromUnix(1'000);
  return row;
}

inline OrderRow FullOrder(std::uint32_t number, const AgentId& agent) {
  OrderRow row = PlainOrder(number, agent);
  row.args = "{\"text\":\"" + kOddText + "\"}";
  row.by = kOddText;
  row.state = OrderState::kDone;
  row.verdict = "done-before";
  row.earlier = "done";
  row.result = "{\"n\":1}";
  row.attempts = ~std::uint32_t{0};
  row.next_attempt = FromUnix(41);
  row.versions = {{Sample32(42), FromUnix(43), 44, 45}, {Sample32(46), FromUnix(47), 48, 49}};
  row.ended = FromUnix(50);
  return row;
}

}  // namespace countersign::store
