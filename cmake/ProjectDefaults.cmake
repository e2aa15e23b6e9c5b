# Language level, optimisation, warnings, sanitizers: what every target shares.
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()

find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Threads REQUIRED)

# Properties handed to every target of the project (never to users of the installed headers).
add_library(project_options INTERFACE)
target_compile_options(project_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-unused-parameter>
  $<$<BOOL:${EMULATE_CUDA}>:-Wno-unknown-pragmas>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${WARNINGS_AS_ERRORS}>>:-Werror>
  # Sums may be vectorised; NaN, Inf and signed zeros keep their meaning.
  $<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno -fno-trapping-math>
  # A kernel that calls a function of the host is no warning: it does not work.
  $<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda --Werror=cross-execution-space-call>)
if(NATIVE_ARCH)
  target_compile_options(project_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=native>)
endif()
if(SANITIZE)
  target_compile_options(project_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${SANITIZE} -fno-omit-frame-pointer -g>)
  target_link_options(project_options INTERFACE -fsanitize=${SANITIZE})
endif()

# precompile_headers(<target> <header>...): for the C++ files of a target with many of them.
function(precompile_headers target)
  if(PRECOMPILE_HEADERS)
    list(TRANSFORM ARGN REPLACE ".+" "$<$<COMPILE_LANGUAGE:CXX>:\\0>")
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()
