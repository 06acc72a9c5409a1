# Writes OUTPUT, a C++ source that holds the files of the repair kit as strings. FILES: path=name in the kit. Run by the
# build with
#   cmake -DOUTPUT=<file> "-DFILES=<path=name;...>" -P embed_repair_kit.cmake
set(rows "")
foreach(item IN LISTS FILES)
  string(REGEX MATCH "^(.+)=([^=]+)$" matched "${item}")
  set(path "${CMAKE_MATCH_1}")
  set(name "${CMAKE_MATCH_2}")
  # Semicolons and brackets of a file mean something in a list of CMake, so it never is in one.
  file(READ "${path}" content)
  string(FIND "${content}" ")kit\"" ends)
  if(NOT ends EQUAL -1)
    message(FATAL_ERROR "${path} holds the text that ends a raw string here")
  endif()
  string(APPEND rows "    {\"${name}\", R\"kit(${content})kit\"},\n")
endforeach()

file(WRITE "${OUTPUT}" "// Generated from packaging/repair-kit/.
#include \"cli/repair_files.h\"

namespace countersign::cli {
namespace {

constexpr RepairFile kFiles[] = {
${rows}};

}  // namespace

std::span<const RepairFile> RepairFiles() { return kFiles; }

}  // namespace countersign::cli
")
