# Warnings and sanitizers, for our own targets only.
add_library(enjoin_flags INTERFACE)
target_compile_options(enjoin_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align)
# GCC bug 105651: false alarms about "x" + std::string.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(enjoin_flags INTERFACE -Wno-restrict)
endif()
if(ENJOIN_WERROR)
  target_compile_options(enjoin_flags INTERFACE -Werror)
endif()
if(ENJOIN_SANITIZE)
  target_compile_options(enjoin_flags INTERFACE
    -fsanitize=${ENJOIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(enjoin_flags INTERFACE -fsanitize=${ENJOIN_SANITIZE})
  # Clang's looks at objects through a pipe that it opens, and where descriptors are short (as in
  # tests of that) it takes good ones for bad.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(enjoin_flags INTERFACE -fno-sanitize=vptr)
  endif()
  if(ENJOIN_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(enjoin_flags INTERFACE -Wno-tsan)  # it does not see our fences
  endif()
endif()
if(ENJOIN_FUZZ)
  target_compile_options(enjoin_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
