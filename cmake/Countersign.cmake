# Build helpers. Every target of the project is made by one of these, so that flags live in one place.
find_package(OpenSSL 3.0 REQUIRED)
find_package(Threads REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
include(GoogleTest)

add_library(countersign_options INTERFACE)
target_compile_options(
  countersign_options
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
            -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Werror
            $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op>)
target_include_directories(countersign_options INTERFACE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}")
target_compile_definitions(countersign_options INTERFACE COUNTERSIGN_VERSION="${PROJECT_VERSION}")
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

# countersign_library(<folder> SOURCES a.cc ... [DEPS target ...] [PRIVATE_DEPS target ...])
# makes countersign_<folder> from src/<folder>.
function(countersign_library folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(countersign_${folder} STATIC ${ARG_SOURCES})
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
  target_link_libraries(${name} PRIVATE countersign_options ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${name}." PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT
                                                                                        ${ARG_TIMEOUT})
endfunction()

# countersign_program(<name> SOURCES main.cc DEPS target ...)
function(countersign_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE countersign_options ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
endfunction()
