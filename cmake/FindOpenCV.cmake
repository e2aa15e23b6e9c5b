# OpenCV's own package file where there is one (Debian: only in the large libopencv-dev); else the
# headers and libraries of libopencv-{core,imgproc,imgcodecs}-dev, as imported targets opencv_<name>.
find_package(OpenCV QUIET CONFIG COMPONENTS ${OpenCV_FIND_COMPONENTS})
if(OpenCV_FOUND)
  return()
endif()

find_path(OpenCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
set(OpenCV_LIBS)
set(_opencv_library_variables)
foreach(_component IN LISTS OpenCV_FIND_COMPONENTS)
  find_library(OpenCV_${_component}_LIBRARY opencv_${_component})
  list(APPEND _opencv_library_variables OpenCV_${_component}_LIBRARY)
  list(APPEND OpenCV_LIBS opencv_${_component})
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCV
  REQUIRED_VARS OpenCV_INCLUDE_DIR ${_opencv_library_variables}
  REASON_FAILURE_MESSAGE "On Debian/Ubuntu: apt-get install libopencv-imgcodecs-dev")

if(OpenCV_FOUND)
  foreach(_component IN LISTS OpenCV_FIND_COMPONENTS)
    if(NOT TARGET opencv_${_component})
      add_library(opencv_${_component} UNKNOWN IMPORTED GLOBAL)
      set_target_properties(opencv_${_component} PROPERTIES
        IMPORTED_LOCATION "${OpenCV_${_component}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${OpenCV_INCLUDE_DIR}")
    endif()
  endforeach()
endif()
