#include "proto/copy_field.hpp"

#include <string>

#include "caffe/common.hpp"

namespace caffe {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// One value of a (repeated) field. Numbers travel as double, which holds 32-bit integers exactly.
struct Value {
  double number = 0;
  string text;
  const Message* message = nullptr;
};

#define READ(name) \
  field->is_repeated() ? r->GetRepeated##name(from, field, index) : r->Get##name(from, field)

Value ReadValue(const Message& from, const FieldDescriptor* field, int index) {
  const auto* r = from.GetReflection();
  Value value;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      value.number = READ(Int32);
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      value.number = READ(UInt32);
      break;
    case FieldDescriptor::CPPTYPE_FLOAT:
      value.number = READ(Float);
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      value.number = READ(Bool);
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      value.number = READ(EnumValue);
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      value.text = READ(String);
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      value.message = field->is_repeated() ? &r->GetRepeatedMessage(from, field, index)
                                           : &r->GetMessage(from, field);
      break;
    default:
      LOG(FATAL) << "no old format has a field of the kind of " << field->full_name();
  }
  return value;
}

#undef READ

#define WRITE(name, value) \
  field->is_repeated() ? r->Add##name(to, field, value) : r->Set##name(to, field, value)

void WriteValue(const Value& value, Message* to, const FieldDescriptor* field) {
  const auto* r = to->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      WRITE(Int32, static_cast<int32_t>(value.number));
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      WRITE(UInt32, value.number < 0 ? 0 : static_cast<uint32_t>(value.number));
      break;
    case FieldDescriptor::CPPTYPE_FLOAT:
      WRITE(Float, static_cast<float>(value.number));
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      WRITE(Bool, value.number != 0);
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      WRITE(EnumValue, static_cast<int>(value.number));
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      WRITE(String, value.text);
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      (field->is_repeated() ? r->AddMessage(to, field) : r->MutableMessage(to, field))
          ->MergeFrom(*value.message);
      break;
    default:
      LOG(FATAL) << "no old format has a field of the kind of " << field->full_name();
  }
}

#undef WRITE

}  // namespace

void CopyField(const Message& from, const FieldDescriptor* field, Message* to,
               const FieldDescriptor* target) {
  const int values = field->is_repeated() ? from.GetReflection()->FieldSize(from, field) : 1;
  for (int i = 0; i < values; ++i) WriteValue(ReadValue(from, field, i), to, target);
}

void CopyAllBut(const char* left_out, const Message& from, Message* to) {
  to->Clear();
  vector<const FieldDescriptor*> fields;
  from.GetReflection()->ListFields(from, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->name() != left_out) CopyField(from, field, to, field);
  }
}

}  // namespace caffe
