# Where installed files go. The same tree results from `cmake --install` (below a prefix) and from
# `pip install .` (below the environment): bin/, lib/, include/ and Python's site-packages, so that
# relative run paths work in both and libdnnl from the oneDNN wheel (in lib/) is found too.
if(BUILD_PYTHON)
  find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
  # Modules are built with the pybind11 of that Python; pip leaves it outside CMake's search path.
  execute_process(COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir
                  OUTPUT_VARIABLE pybind11_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()

if(SKBUILD)
  set(DEST_BIN ${SKBUILD_SCRIPTS_DIR})
  set(DEST_LIB ${SKBUILD_DATA_DIR}/lib)
  set(DEST_SHARE ${SKBUILD_DATA_DIR}/share)
  set(DEST_INCLUDE ${SKBUILD_DATA_DIR}/include)
  set(DEST_PYTHON ${SKBUILD_PLATLIB_DIR})
else()
  set(DEST_BIN bin)
  set(DEST_LIB lib)
  set(DEST_SHARE share)
  set(DEST_INCLUDE include)
  set(DEST_PYTHON lib/python${Python_VERSION_MAJOR}.${Python_VERSION_MINOR}/site-packages)
endif()
set(DEST_PLUGINS ${DEST_LIB}/caffe/plugins)

set(RPATH_BIN "$ORIGIN/../lib")
set(RPATH_LIB "$ORIGIN")
set(RPATH_PLUGIN "$ORIGIN/../..")
set(RPATH_PYTHON "$ORIGIN/../../../..:$ORIGIN/../../..")
# In the build tree the absolute paths of linked libraries are used; on installing, only these.
set(CMAKE_BUILD_WITH_INSTALL_RPATH OFF)
