# SPDX-License-Identifier: Apache-2.0
# The compiler, its flags, sanitizers and the linker, once for every target.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "GCC ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines (temporaries in a co_await expression are destroyed twice). "
    "Use the presets, which take clang++-16: cmake --preset release, or simply ./dev build.")
endif()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(MODELYARD_SANITIZE "" CACHE STRING "Sanitizers for every target: address,undefined or thread")
option(MODELYARD_FUZZ "Build the fuzz targets with libFuzzer (needs clang)" OFF)
option(MODELYARD_BENCH "Build the benchmarks" OFF)
option(MODELYARD_WERROR "Warnings are errors" ON)

# Line tables cost little and make a crash report readable; full debug information would double the link time.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -gline-tables-only")
set(CMAKE_C_FLAGS_RELEASE "-O2 -gline-tables-only")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -gline-tables-only -fno-omit-frame-pointer")
set(CMAKE_C_FLAGS_DEBUG "-O1 -gline-tables-only -fno-omit-frame-pointer")

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers -fstack-protector-strong
  -fdebug-prefix-map=${CMAKE_SOURCE_DIR}=. -fmacro-prefix-map=${CMAKE_SOURCE_DIR}=.)
if(MODELYARD_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options(-Wthread-safety -fcolor-diagnostics)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT MODELYARD_SANITIZE)
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
add_link_options(-pie -Wl,-z,relro,-z,now -Wl,--gc-sections)
add_compile_options(-ffunction-sections -fdata-sections)

find_program(MODELYARD_LLD NAMES ld.lld-16 ld.lld)
if(MODELYARD_LLD)
  add_link_options(-fuse-ld=lld)
endif()

find_program(MODELYARD_CCACHE ccache)
if(MODELYARD_CCACHE)
  # base_dir makes a fresh clone in another folder hit the same cache.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${MODELYARD_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

if(MODELYARD_SANITIZE)
  add_compile_options(-fsanitize=${MODELYARD_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MODELYARD_SANITIZE})
  add_compile_definitions(MODELYARD_SANITIZED)
endif()
if(MODELYARD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Asio is compiled once (src/io/asio.cc); every other file only declares it.
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_DATE_TIME)
include_directories(${CMAKE_SOURCE_DIR}/src)
