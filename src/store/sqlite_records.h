#pragma once

#include "store/registry.h"
#include "store/sqlite_connection.h"

namespace countersign::store {

// SqliteRecords is the small tables: certificates, tokens, events, history, settings; its methods
// are those of Registry. `connection` must outlive it.
class SqliteRecords {
 public:
  explicit SqliteRecords(SqliteConnection& connection) : connection_(connection) {}

  [[nodiscard]] Status PutCertificate(const CertificateRow& row);
  [[nodiscard]] Result<std::vector<CertificateRow>> ListCertificates();
  [[nodiscard]] Status PutToken(const TokenRow& row);
  [[nodiscard]] Result<std::optional<TokenRow>> FindToken(std::string_view id);
  [[nodiscard]] Result<std::vector<TokenRow>> ListTokens(std::string_view after, std::size_t limit);
  [[nodiscard]] Status DeleteToken(std::string_view id);
  [[nodiscard]] Status AddEvent(const EventRow& row);
  [[nodiscard]] Result<std::vector<EventRow>> ListEvents(std::int64_t after, std::size_t limit);
  [[nodiscard]] Status AddHistory(const HistoryRow& row);
  [[nodiscard]] Result<std::vector<HistoryRow>> ListHistory(std::int64_t after, std::size_t limit);
  [[nodiscard]] Result<std::optional<HistoryRow>> LastHistory();
  [[nodiscard]] Result<std::optional<std::string>> GetMeta(std::string_view key);
  [[nodiscard]] Status PutMeta(std::string_view key, std::string_view value);

 private:
  SqliteConnection& connection_;
};

}  // namespace countersign::store
