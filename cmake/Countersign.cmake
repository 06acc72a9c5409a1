# Build helpers. Every target of the project is made by one of these, so that flags live in one place.
find_package(OpenSSL 3.0 REQUIRED)
find_package(Threads REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
include(GoogleTest)

find_program(COUNTERSIGN_CCACHE ccache)
if(COUNTERSIGN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this sloppiness ccache passes by every file that uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros "${COUNTERSIGN_CCACHE}")
endif()

if(NOT CMAKE_BUILD_TYPE) # configured without a preset: as the preset dev does
  add_compile_options(-O1 -g1 -D_GLIBCXX_ASSERTIONS)
endif()

add_library(countersign_options INTERFACE)
target_compile_options(
  countersign_options
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
            -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Werror
            # g++ 12 takes the frames of Asio's coroutines, which bring their own operator delete, for mismatches;
            # AddressSanitizer finds real ones.
            $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wno-mismatched-new-delete>
            # g++ 12 misreads "literal" + string (its bugs 105329 and 105651); AddressSanitizer and the assertions of
            # libstdc++ find what these would.
            $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread>
            # clang lays to our door what std::stable_sort of libstdc++ uses of itself; g++ still reports what we use.
            $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wno-deprecated-declarations>)
target_include_directories(countersign_options INTERFACE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}")
target_compile_definitions(countersign_options INTERFACE COUNTERSIGN_VERSION="${PROJECT_VERSION}")
target_link_libraries(countersign_options INTERFACE Threads::Threads)
if(COUNTERSIGN_SANITIZE)
  target_compile_options(countersign_options INTERFACE -fsanitize=${COUNTERSIGN_SANITIZE} -fno-sanitize-recover=all
                                                       -fno-omit-frame-pointer)
  target_link_options(countersign_options INTERFACE -fsanitize=${COUNTERSIGN_SANITIZE})
endif()
if(COUNTERSIGN_HARDEN)
  target_compile_options(countersign_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS
                                                       -fstack-protector-strong -fstack-clash-protection -fcf-protection)
  target_link_options(countersign_options INTERFACE -Wl,-z,relro,-z,now)
endif()
if(COUNTERSIGN_FUZZ)
  target_compile_options(countersign_options INTERFACE -fsanitize=fuzzer-no-link)
  add_custom_target(fuzzers)
endif()
find_program(COUNTERSIGN_MOLD mold)
if(COUNTERSIGN_MOLD)
  target_link_options(countersign_options INTERFACE -fuse-ld=mold)
endif()

# For tests, after countersign_options: g++ 12 sees null pointers in what it inlines of the standard library's streams.
add_library(countersign_test_options INTERFACE)
target_link_libraries(countersign_test_options INTERFACE GTest::gmock GTest::gtest_main)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(countersign_test_options INTERFACE -Wno-null-dereference)
endif()

# Two precompiled headers for the whole tree, since one for each target would cost more than it saves: the standard
# headers that nearly every file reads, and for tests GoogleTest as well. A header that leans on them by accident is
# found by COUNTERSIGN_HEADER_CHECK, which compiles without them.
# countersign_pch(<kind> <header>...) makes the owner of one; the others say countersign_use_pch(<target> <kind>).
function(countersign_pch kind)
  set(source "${CMAKE_BINARY_DIR}/countersign_pch_${kind}.cc")
  file(CONFIGURE OUTPUT "${source}" CONTENT "")
  add_library(countersign_pch_${kind} OBJECT "${source}")
  target_link_libraries(countersign_pch_${kind} PRIVATE countersign_options)
  if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    # ccache gives files back with a new time.
    target_compile_options(countersign_pch_${kind} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
  target_precompile_headers(countersign_pch_${kind} PRIVATE ${ARGN})
endfunction()
if(COUNTERSIGN_PCH)
  set(standard_headers <algorithm> <array> <chrono> <cstddef> <cstdint> <expected> <functional> <map> <memory> <optional>
                       <span> <string> <string_view> <utility> <variant> <vector>)
  countersign_pch(library ${standard_headers})
  countersign_pch(test ${standard_headers} <gmock/gmock.h> <gtest/gtest.h>)
  target_link_libraries(countersign_pch_test PRIVATE GTest::gmock)
endif()
function(countersign_use_pch target kind)
  if(COUNTERSIGN_PCH)
    target_precompile_headers(${target} REUSE_FROM countersign_pch_${kind})
  endif()
endfunction()

# Most of the time of a compiler goes into headers and templates that file after file needs: eight files at once take a
# third of it. Names in unnamed namespaces must differ between the files of one target for that, which also finds helpers
# that were written twice. The preset tidy compiles every file by itself.
function(countersign_compile_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${COUNTERSIGN_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

# countersign_library(<folder> [UNITY] SOURCES a.cc ... [DEPS target ...] [PRIVATE_DEPS target ...])
# makes countersign_<folder> from src/<folder>. UNITY compiles files together: for libraries that no program for endpoints
# is linked from, since these take single files out of them.
function(countersign_library folder)
  cmake_parse_arguments(ARG "UNITY" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(countersign_${folder} STATIC ${ARG_SOURCES})
  countersign_use_pch(countersign_${folder} library)
  if(ARG_UNITY)
    countersign_compile_together(countersign_${folder})
  endif()
  target_link_libraries(countersign_${folder} PUBLIC countersign_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# countersign_test(<name> SOURCES a_test.cc ... [DEPS target ...] [LABEL unit|integration|slow] [TIMEOUT seconds])
# makes one GoogleTest program; each of its cases is a test of its own.
function(countersign_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  countersign_use_pch(${name} test)
  countersign_compile_together(${name})
  if(CMAKE_CXX_CLANG_TIDY)  # It does not see that ASSERT_TRUE(optional) returns.
    set_target_properties(${name} PROPERTIES CXX_CLANG_TIDY
                                             "${CMAKE_CXX_CLANG_TIDY};--checks=-bugprone-unchecked-optional-access")
  endif()
  target_link_libraries(${name} PRIVATE countersign_options ${ARG_DEPS} countersign_test_options)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${name}." PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT
                                                                                        ${ARG_TIMEOUT})
endfunction()

# countersign_program(<name> SOURCES main.cc DEPS target ...) makes bin/<name> in the build folder.
function(countersign_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  countersign_use_pch(${name} library)
  target_link_libraries(${name} PRIVATE countersign_options ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
endfunction()

function(countersign_name_endpoint_program target name folder)
  if(NOT name)
    set(name ${target})
  endif()
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY
                                                                 "${CMAKE_BINARY_DIR}/bin/${folder}")
endfunction()

# countersign_endpoint_program(<target> SOURCES main.cc [NAME name] [FOLDER folder]) makes bin/<folder>/<name>, a program
# that is copied to endpoints: of ours it holds what an agent and the mover need, and with g++ it is linked statically,
# so that it runs on any Linux of this architecture with nothing else of ours on it. (Sanitizers' and clang's builds are
# not copied anywhere.)
function(countersign_endpoint_program target)
  cmake_parse_arguments(ARG "" "NAME;FOLDER" "SOURCES" ${ARGN})
  if(COUNTERSIGN_SANITIZE OR NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    countersign_program(${target} SOURCES ${ARG_SOURCES} DEPS countersign_cli countersign_daemon)
    return()
  endif()
  add_executable(${target} ${ARG_SOURCES})
  countersign_use_pch(${target} library)
  set(ours countersign_cli countersign_daemon countersign_agent countersign_mover countersign_keys countersign_net
           countersign_doctor countersign_store countersign_wire countersign_trust countersign_crypto countersign_base)
  add_dependencies(${target} ${ours})
  list(TRANSFORM ours REPLACE "(.+)" "$<TARGET_FILE:\\1>")
  # By name and not by target: what shared libraries a target names is of no use here. Without what debuggers read: it
  # travels, and it goes into every package.
  target_link_libraries(
    ${target} PRIVATE countersign_options countersign_asio -static -Wl,--strip-debug -Wl,--start-group
                    # The standard library first: what our libraries hold of its templates would bring in all that
                    # stands beside it there.
                    -lstdc++ ${ours}
                    -l:libboost_json.a -l:libarchive.a -l:libz.a -l:libargon2.a -l:libssl.a -l:libcrypto.a
                    -Wl,--end-group)
  set_property(TARGET ${target} PROPERTY LINK_DEPENDS ${ours})
  countersign_name_endpoint_program(${target} "${ARG_NAME}" "${ARG_FOLDER}")
endfunction()

# countersign_fuzz(<name> SOURCES <name>_fuzz.cc ... DEPS target ... [MAX_LEN bytes])
# makes the program <name>_fuzz with its corpus in fuzz/corpus/<name>. With COUNTERSIGN_FUZZ it is a libFuzzer program,
# built by the target `fuzzers`; else it replays the corpus, as the test corpus.<name>.
function(countersign_fuzz name)
  cmake_parse_arguments(ARG "" "MAX_LEN" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_MAX_LEN)
    set(ARG_MAX_LEN 4096)
  endif()
  add_executable(${name}_fuzz ${ARG_SOURCES})
  countersign_use_pch(${name}_fuzz library)
  target_link_libraries(${name}_fuzz PRIVATE countersign_options ${ARG_DEPS})
  if(COUNTERSIGN_FUZZ)
    add_dependencies(fuzzers ${name}_fuzz)
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    set_property(GLOBAL APPEND_STRING PROPERTY countersign_fuzzers "${name} ${ARG_MAX_LEN} $<TARGET_FILE:${name}_fuzz>\n")
  else()
    target_sources(${name}_fuzz PRIVATE "${CMAKE_SOURCE_DIR}/fuzz/replay_main.cc")
    add_test(NAME corpus.${name} COMMAND ${name}_fuzz "${CMAKE_SOURCE_DIR}/fuzz/corpus/${name}")
    set_tests_properties(corpus.${name} PROPERTIES LABELS corpus TIMEOUT 120)
  endif()
endfunction()

# countersign_bench(<name> SOURCES x_bench.cc ... DEPS target ...)
# makes bin/<name> with Google Benchmark, where COUNTERSIGN_BENCH asks for benchmarks.
function(countersign_bench name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(COUNTERSIGN_BENCH)
    find_package(benchmark REQUIRED)
    countersign_program(${name} SOURCES ${ARG_SOURCES} DEPS ${ARG_DEPS} benchmark::benchmark)
  endif()
endfunction()

# countersign_finish(), last: what needs to know all targets.
# `fuzzers.txt` in the build folder lists the fuzz programs for ./check: name, longest input, path.
# `header_check` compiles every header of src/ by itself.
function(countersign_finish)
  if(COUNTERSIGN_FUZZ)
    get_property(fuzzers GLOBAL PROPERTY countersign_fuzzers)
    file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/fuzzers.txt" CONTENT "${fuzzers}")
  endif()
  if(COUNTERSIGN_HEADER_CHECK)
    file(GLOB_RECURSE headers RELATIVE "${CMAKE_SOURCE_DIR}/src" CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/*.h")
    foreach(header IN LISTS headers)
      set(source "${CMAKE_BINARY_DIR}/header_check/${header}.cc")
      file(CONFIGURE OUTPUT "${source}" CONTENT "#include \"${header}\"\n#include \"${header}\"\n")
      list(APPEND sources "${source}")
    endforeach()
    add_library(header_check OBJECT ${sources})
    target_link_libraries(header_check PRIVATE countersign_options)
    target_compile_options(header_check PRIVATE -O0 -g0)
    set_target_properties(header_check PROPERTIES CXX_CLANG_TIDY "")
  endif()
endfunction()
