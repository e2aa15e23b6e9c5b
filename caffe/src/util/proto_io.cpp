#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/text_format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caffe/util/atomic_file.hpp"
#include "caffe/util/io.hpp"
#include "caffe/util/names.hpp"
#include "caffe/util/plain_text.hpp"
#include "util/hdf5_handle.hpp"

namespace caffe {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::TextFormat;

// Prototxts are written by people or scripts; anything larger is something else.
const int64_t kMaxTextBytes = int64_t(256) << 20;
// No message of caffe.proto nests nearly as deep.
const int kMaxTextDepth = 100;

// An open file for reading, with its size.
class InputFile {
 public:
  explicit InputFile(const string& name) : fd_(open(name.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status;
    if (fd_ < 0 || fstat(fd_, &status) != 0) {
      error_ = std::strerror(errno);
    } else if (S_ISDIR(status.st_mode)) {
      error_ = "is a folder, not a file";
    } else {
      size_ = status.st_size;
    }
  }
  ~InputFile() {
    if (fd_ >= 0) close(fd_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  int fd() const { return fd_; }
  int64_t size() const { return size_; }
  // Empty where the file can be read.
  const string& error() const { return error_; }

 private:
  int fd_;
  int64_t size_ = 0;
  string error_;
};

// The n-th text in double quotes.
string Quoted(const string& message, int n) {
  size_t begin = 0;
  for (int i = 0; i < 2 * n + 1; ++i) {
    begin = message.find('"', begin);
    if (begin == string::npos) return "";
    ++begin;
  }
  const size_t end = message.find('"', begin);
  return end == string::npos ? "" : message.substr(begin, end - begin);
}

void CollectEnums(const Descriptor* message, const string& field, set<string>* values) {
  const auto* found = message->FindFieldByName(field);
  if (found && found->enum_type()) {
    const EnumDescriptor* type = found->enum_type();
    for (int i = 0; i < type->value_count(); ++i) values->insert(type->value(i)->name());
  }
  for (int i = 0; i < message->nested_type_count(); ++i) {
    CollectEnums(message->nested_type(i), field, values);
  }
}

// What the writer of a misspelt field or enum value may have meant.
string Suggestion(const string& message, const FileDescriptor* file) {
  if (message.find("has no field named") != string::npos) {
    const Descriptor* type = file->pool()->FindMessageTypeByName(Quoted(message, 0));
    if (!type) return "";
    const string field = Quoted(message, 1);
    if (type->name() == "LayerParameter" && (field == "blobs_lr" || field == "weight_decay")) {
      return " (that was in old `layers`; in a `layer` write param { lr_mult: ... decay_mult: ... "
             "})";
    }
    vector<string> fields;
    fields.reserve(type->field_count());
    for (int i = 0; i < type->field_count(); ++i) fields.push_back(type->field(i)->name());
    const string near = DidYouMean(field, fields);
    const bool of_a_layer = type->name() == "LayerParameter" && EndsWith(field, "_param");
    return near + (of_a_layer ? "; a layer that Caffe 1.0 lacks is a plug-in, with its settings in "
                                "python_param { param_str: \"...\" }"
                              : "");
  }
  if (message.find("nknown enumeration value") != string::npos) {
    set<string> values;
    for (int i = 0; i < file->message_type_count(); ++i) {
      CollectEnums(file->message_type(i), Quoted(message, 1), &values);
    }
    return DidYouMean(Quoted(message, 0), vector<string>(values.begin(), values.end()));
  }
  return "";
}

// Keeps the first error; what follows it is mostly its consequence.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  FirstError(const string& file, const FileDescriptor* descriptors)
      : file_(file), descriptors_(descriptors) {}

#if GOOGLE_PROTOBUF_VERSION >= 4022000
  void RecordError(int line, int column, absl::string_view message) override {
    Keep(line, column, string(message));
  }
#else
  void AddError(int line, int column, const string& message) override {
    Keep(line, column, message);
  }
#endif

  const string& text() const { return text_; }

 private:
  void Keep(int line, int column, const string& message) {
    if (!text_.empty()) return;
    PlainText text;
    text << file_ << ":";
    // Lines and columns count from 0 there, and from 1 in editors; -1 means the whole file.
    if (line >= 0) text << line + 1 << ":" << column + 1 << ":";
    const bool sentence = !message.empty() && message.back() == '.';
    const string words = message.substr(0, message.size() - sentence);
    // Where the file ends, the parser has no token to name.
    const bool ended = EndsWith(message, "got: ") || EndsWith(words, "found \"\"");
    const bool negative = words == "Expected integer, got: -";
    text << " "
         << (ended      ? "the file ends too early; is a { not closed?"
             : negative ? "Expected a number of at least 0, got a negative one"
                        : words)
         << Suggestion(message, descriptors_);
    text_ = text.str();
  }

  string file_;
  const FileDescriptor* descriptors_;
  string text_;
};

// Some editors put a mark before UTF-8.
void SkipByteOrderMark(google::protobuf::io::ZeroCopyInputStream* input) {
  const void* data;
  int size;
  if (!input->Next(&data, &size)) return;
  const bool marked = size >= 3 && std::memcmp(data, "\xEF\xBB\xBF", 3) == 0;
  input->BackUp(marked ? size - 3 : size);
}

// Returns what is wrong, or nothing.
string ParseText(google::protobuf::io::ZeroCopyInputStream* input, const string& name,
                 Message* proto) {
  FirstError errors(name, proto->GetDescriptor()->file());
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxTextDepth);
  SkipByteOrderMark(input);
  const bool parsed = parser.Parse(input, proto);
  if (parsed && errors.text().empty()) return "";
  return errors.text().empty() ? name + ": is not a prototxt" : errors.text();
}

// For a stream that a failure, not the file's end, ended.
string CannotReadAll(const string& filename, const google::protobuf::io::FileInputStream& input) {
  return filename + ": cannot be read to its end: " + std::strerror(input.GetErrno());
}

string ParseTextFile(const string& filename, Message* proto) {
  InputFile file(filename);
  if (!file.error().empty()) return filename + ": " + file.error();
  if (file.size() > kMaxTextBytes) {
    return filename + ": is too large for a prototxt; a model in binary form?";
  }
  google::protobuf::io::FileInputStream input(file.fd());
  const string error = ParseText(&input, filename, proto);
  return input.GetErrno() == 0 ? error : CannotReadAll(filename, input);
}

string ReadBinary(const string& filename, Message* proto) {
  InputFile file(filename);
  if (!file.error().empty()) return filename + ": " + file.error();
  if (file.size() > INT_MAX) return filename + ": is larger than 2 GiB, the limit of the format";
  google::protobuf::io::FileInputStream input(file.fd());
  google::protobuf::io::CodedInputStream coded(&input);
  coded.SetTotalBytesLimit(INT_MAX);
  proto->Clear();
  const bool parsed = proto->MergePartialFromCodedStream(&coded) && coded.ConsumedEntireMessage();
  if (input.GetErrno() != 0) return CannotReadAll(filename, input);
  if (!parsed) {
    return filename + ": is no binary file of Caffe's (" + proto->GetDescriptor()->name() +
           "), or only a part of one, or made by a fork of Caffe whose fields have other meanings";
  }
  if (!proto->IsInitialized()) {
    return filename + ": lacks " + proto->InitializationErrorString();
  }
  return "";
}

string PrototxtOf(const Message& message) {
  const string type = message.GetDescriptor()->name();
  if (type == "NetParameter") return "a net's prototxt";
  if (type == "SolverParameter") return "a solver's prototxt";
  return "the text of a " + type;
}

// What a file seems to be that is not the text wanted; empty where nothing fits.
string OtherKind(const string& filename, const Message& wanted) {
  NetParameter net;
  SolverParameter solver;
  SolverState state;
  // A pipe cannot be read again.
  if (!std::filesystem::is_regular_file(filename)) return "";
  if (IsHdf5(filename)) return "an HDF5 file";
  if (ReadBinary(filename, &net).empty() && net.layer_size() + net.layers_size() > 0) {
    return "a model (.caffemodel)";
  }
  if (ReadBinary(filename, &state).empty() && state.has_iter()) {
    return "a solver's state (.solverstate)";
  }
  for (Message* other : {static_cast<Message*>(&net), static_cast<Message*>(&solver)}) {
    if (other->GetDescriptor() == wanted.GetDescriptor()) continue;
    other->Clear();
    if (ParseTextFile(filename, other).empty()) return PrototxtOf(*other);
  }
  return "";
}

string ReadText(const string& filename, Message* proto) {
  const string error = ParseTextFile(filename, proto);
  const string kind = error.empty() ? "" : OtherKind(filename, *proto);
  if (kind.empty()) return error;
  return filename + ": seems to be " + kind + "; needed here is " + PrototxtOf(*proto);
}

bool LogFailure(const string& error) {
  if (!error.empty()) LOG(ERROR) << error;
  return error.empty();
}

void ThrowFailure(const string& error) {
  if (!error.empty()) LOG(FATAL) << error;
}

template <typename Write>
void WriteFile(const char* filename, const Write& write) {
  AtomicFile file(filename);
  const int fd = open(file.temp_name().c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (fd < 0) LOG(FATAL) << "cannot write " << filename << ": " << std::strerror(errno);
  google::protobuf::io::FileOutputStream output(fd);
  const bool written = write(&output);
  const bool closed = output.Close();
  if (!written || !closed) {
    LOG(FATAL) << "cannot write " << filename << ": "
               << (output.GetErrno() ? std::strerror(output.GetErrno())
                                     : "the message is larger than 2 GiB");
  }
  file.Commit();
}

}  // namespace

bool ReadProtoFromTextFile(const char* filename, Message* proto) {
  return LogFailure(ReadText(filename, proto));
}

void ReadProtoFromTextFileOrDie(const char* filename, Message* proto) {
  ThrowFailure(ReadText(filename, proto));
}

bool ReadProtoFromBinaryFile(const char* filename, Message* proto) {
  return LogFailure(ReadBinary(filename, proto));
}

void ReadProtoFromBinaryFileOrDie(const char* filename, Message* proto) {
  ThrowFailure(ReadBinary(filename, proto));
}

void ParseProtoTextOrDie(const string& text, const string& name, Message* proto) {
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  ThrowFailure(ParseText(&input, name, proto));
}

void WriteProtoToTextFile(const Message& proto, const char* filename) {
  WriteFile(filename, [&](google::protobuf::io::ZeroCopyOutputStream* output) {
    return TextFormat::Print(proto, output);
  });
}

void WriteProtoToBinaryFile(const Message& proto, const char* filename) {
  WriteFile(filename, [&](google::protobuf::io::ZeroCopyOutputStream* output) {
    return proto.ByteSizeLong() <= INT_MAX && proto.SerializeToZeroCopyStream(output);
  });
}

}  // namespace caffe
