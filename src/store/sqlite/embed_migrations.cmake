# Writes OUTPUT, a C++ source that holds each file of MIGRATIONS as a string. Run by the build with
#   cmake -DOUTPUT=<file> "-DMIGRATIONS=<file;file;...>" -P embed_migrations.cmake
set(rows "")
set(expected 0)
foreach(migration IN LISTS MIGRATIONS)
  math(EXPR expected "${expected} + 1")
  get_filename_component(name "${migration}" NAME)
  string(REGEX MATCH "^0*([1-9][0-9]*)_[a-z0-9_]+\\.sql$" matched "${name}")
  if(NOT matched OR NOT CMAKE_MATCH_1 EQUAL expected)
    message(FATAL_ERROR "${name}: migrations are NNNN_name.sql, numbered from 1 without a gap")
  endif()
  file(READ "${migration}" sql)
  if(sql MATCHES "\\)sql\"")
    message(FATAL_ERROR "${name} holds the text that ends a raw string here")
  endif()
  string(APPEND rows "    {${expected}, \"${name}\", R\"sql(${sql})sql\"},\n")
endforeach()

file(WRITE "${OUTPUT}" "// Generated from store/sqlite/*.sql.
#include \"store/sqlite_migrations.h\"

namespace countersign::store {
namespace {

constexpr SqliteMigration kMigrations[] = {
${rows}};

}  // namespace

std::span<const SqliteMigration> SqliteMigrations() { return kMigrations; }

}  // namespace countersign::store
")
