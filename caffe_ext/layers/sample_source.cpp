#include "sample_source.hpp"

#include <stdexcept>

#include "dcme/image.hpp"

namespace dcme {

void check_sample(const Sample& sample, const std::string& ids_name) {
  if (sample.ids.type() != CV_16UC1) {
    throw std::runtime_error(ids_name +
                             " is no instance map: that is a grey PNG of 16 bits (id = "
                             "1000 * label + k), this one has " +
                             std::to_string(8 * sample.ids.elemSize1()) + " bits and " +
                             std::to_string(sample.ids.channels()) + " channel(s)");
  }
  if (sample.ids.size() != sample.image.size()) {
    throw std::runtime_error(ids_name + " is " + size_text(sample.ids.rows, sample.ids.cols) +
                             " but its image " + sample.name + " is " +
                             size_text(sample.image.rows, sample.image.cols) +
                             ": both must show the same pixels");
  }
}

std::unique_ptr<SampleSource> open_source(const DataParameter& parameters) {
  if (parameters.source().empty()) {
    throw std::runtime_error("dcme_data_param needs a source: a list file or an LMDB");
  }
  if (parameters.backend() == DataParameter::LMDB) {
    return open_lmdb(parameters.source(), parameters.is_color());
  }
  return open_list(parameters.source(), parameters.root_folder(), parameters.is_color());
}

}  // namespace dcme
