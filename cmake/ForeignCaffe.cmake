# Another Caffe 1.0, found below CAFFE_PREFIX, in place of this project's runtime: the target
# `caffe`, which the layers of caffe_ext link. The prefix may be an installation or a source tree
# that was built in place. docs/foreign-caffe.md says how to use what comes out.
find_package(Protobuf REQUIRED)
find_path(Boost_INCLUDE_DIR boost/shared_ptr.hpp REQUIRED)

function(find_in_foreign_caffe kind variable name)
  if(kind STREQUAL "path")
    find_path(${variable} ${name} HINTS ${CAFFE_PREFIX} NO_DEFAULT_PATH
              PATH_SUFFIXES include build/include build/src .build_release/src distribute/include)
  else()
    find_library(${variable} ${name} HINTS ${CAFFE_PREFIX} NO_DEFAULT_PATH
                 PATH_SUFFIXES lib lib64 lib/x86_64-linux-gnu lib/aarch64-linux-gnu build/lib
                               .build_release/lib distribute/lib)
  endif()
  if(NOT ${variable})
    message(FATAL_ERROR "No ${name} of a Caffe below CAFFE_PREFIX=${CAFFE_PREFIX}: name the prefix "
      "it was installed to (the folder that holds include/caffe and lib/libcaffe.so)")
  endif()
endfunction()

find_in_foreign_caffe(path FOREIGN_CAFFE_INCLUDE_DIR caffe/layer.hpp)
find_in_foreign_caffe(path FOREIGN_CAFFE_PROTO_DIR caffe/proto/caffe.pb.h)
find_in_foreign_caffe(library FOREIGN_CAFFE_LIBRARY caffe)
# What Caffe's headers include in turn.
find_library(GLOG_LIBRARY glog)
find_path(CBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas)

add_library(caffe SHARED IMPORTED GLOBAL)
set_target_properties(caffe PROPERTIES IMPORTED_LOCATION ${FOREIGN_CAFFE_LIBRARY})
target_include_directories(caffe SYSTEM INTERFACE ${FOREIGN_CAFFE_INCLUDE_DIR}
  ${FOREIGN_CAFFE_PROTO_DIR} ${Boost_INCLUDE_DIR} ${Protobuf_INCLUDE_DIRS}
  $<$<BOOL:${CBLAS_INCLUDE_DIR}>:${CBLAS_INCLUDE_DIR}>)
target_link_libraries(caffe INTERFACE ${Protobuf_LIBRARIES} $<$<BOOL:${GLOG_LIBRARY}>:${GLOG_LIBRARY}>)
if(HAVE_CUDA)
  target_link_libraries(caffe INTERFACE CUDA::cudart CUDA::cublas CUDA::curand)
else()
  # How the other Caffe was built must agree: its classes differ with and without CUDA.
  target_compile_definitions(caffe INTERFACE CPU_ONLY)
endif()
