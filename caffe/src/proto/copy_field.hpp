#ifndef CAFFE_SRC_PROTO_COPY_FIELD_HPP_
#define CAFFE_SRC_PROTO_COPY_FIELD_HPP_

#include <google/protobuf/message.h>

namespace caffe {

/// Copies a field to one of another message: scalars are converted to the target's kind of number,
/// enumerators go by number, messages are merged; a repeated target gets the values appended.
void CopyField(const google::protobuf::Message& from,
               const google::protobuf::FieldDescriptor* field, google::protobuf::Message* to,
               const google::protobuf::FieldDescriptor* target);

/// Makes `to` a copy of `from`, a message of the same type, without one (large) field.
void CopyAllBut(const char* left_out, const google::protobuf::Message& from,
                google::protobuf::Message* to);

}  // namespace caffe

#endif  // CAFFE_SRC_PROTO_COPY_FIELD_HPP_
