# dcme_parameters_library(<name>): a static library with the DCME layers' parameter messages alone,
# cut out of caffe.proto, where they stand between [dcme] and [/dcme]. For layers that are built
# against a Caffe whose own caffe.proto lacks them (they then read the messages as text).
function(dcme_parameters_library name)
  find_package(Protobuf REQUIRED)
  set(caffe_proto ${PROJECT_SOURCE_DIR}/caffe/proto/caffe.proto)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${caffe_proto})
  file(READ ${caffe_proto} text)
  if(NOT text MATCHES "// \\[dcme\\][^\n]*\n(.*)// \\[/dcme\\]")
    message(FATAL_ERROR "${caffe_proto} has no part marked [dcme] ... [/dcme]")
  endif()
  file(CONFIGURE OUTPUT ${folder}/dcme_parameters.proto @ONLY CONTENT
    "syntax = \"proto2\";\n\npackage dcme_proto;\n\n${CMAKE_MATCH_1}")
  add_custom_command(
    OUTPUT ${folder}/dcme_parameters.pb.cc ${folder}/dcme_parameters.pb.h
    COMMAND protobuf::protoc --proto_path=${folder} --cpp_out=${folder}
            ${folder}/dcme_parameters.proto
    DEPENDS ${folder}/dcme_parameters.proto VERBATIM)
  add_library(${name} STATIC ${folder}/dcme_parameters.pb.cc ${folder}/dcme_parameters.pb.h)
  target_include_directories(${name} PUBLIC ${folder} ${Protobuf_INCLUDE_DIRS})
  target_link_libraries(${name} PUBLIC ${Protobuf_LIBRARIES})
  target_compile_definitions(${name} PUBLIC DCME_FOREIGN_CAFFE)
endfunction()
