# The target image_codecs: OpenCV's functions for image files, for the libraries of this project, and
# whether a file was cut off, which those functions do not say. Plain C++: no Caffe is needed.
#
# OpenCV's own library for them brings along others for every format there is, on Debian 120 (GDAL
# and its databases, PDF, ...): 0.1 s in the start of each process, though most read no image file,
# or none but PNGs that this project reads by itself. So it is loaded when the first function is
# called. Where its functions have other names than expected it is linked as usual.
set(image_codecs_folder ${PROJECT_SOURCE_DIR}/caffe/image_codecs)
file(GLOB image_codecs_sources CONFIGURE_DEPENDS ${image_codecs_folder}/*.cpp)
add_library(image_codecs STATIC ${image_codecs_sources})
target_include_directories(image_codecs PUBLIC ${image_codecs_folder}/include)
set_target_properties(image_codecs PROPERTIES POSITION_INDEPENDENT_CODE ON)

set(imgcodecs_functions
  _ZN2cv8imdecodeERKNS_11_InputArrayEi
  _ZN2cv8imencodeERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEERKNS_11_InputArrayERSt6vectorIhSaIhEERKSB_IiSaIiEE)

# The name by which programs load a shared library; empty if it is none, or lacks a symbol.
function(name_to_load result library)
  set(${result} "" PARENT_SCOPE)
  execute_process(COMMAND ${CMAKE_READELF} --wide --dynamic --dyn-syms ${library}
                  OUTPUT_VARIABLE text ERROR_QUIET)
  foreach(symbol IN LISTS ARGN)
    string(FIND "${text}" " ${symbol}" place)
    if(place EQUAL -1)
      return()
    endif()
  endforeach()
  if(text MATCHES "\\(SONAME\\)[^[]*\\[([^]]+)\\]")
    set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
  endif()
endfunction()

get_target_property(imgcodecs_library opencv_imgcodecs LOCATION)
name_to_load(imgcodecs_name ${imgcodecs_library} ${imgcodecs_functions})
target_link_libraries(image_codecs PUBLIC opencv_core)
if(imgcodecs_name)
  get_filename_component(imgcodecs_folder ${imgcodecs_library} DIRECTORY)
  list(JOIN imgcodecs_functions "\",\"" imgcodecs_functions)
  target_compile_definitions(image_codecs PRIVATE
    IMGCODECS_NAME="${imgcodecs_name}" IMGCODECS_FOLDER="${imgcodecs_folder}"
    "IMGCODECS_FUNCTIONS=\"${imgcodecs_functions}\"")
  target_link_libraries(image_codecs PRIVATE project_options ${CMAKE_DL_LIBS})
  # Nobody else shall find these functions in our libraries.
  target_link_options(image_codecs INTERFACE "LINKER:--exclude-libs,libimage_codecs.a")
else()
  target_link_libraries(image_codecs PUBLIC opencv_imgcodecs)
endif()
