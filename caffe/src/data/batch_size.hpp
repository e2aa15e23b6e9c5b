#ifndef CAFFE_SRC_DATA_BATCH_SIZE_HPP_
#define CAFFE_SRC_DATA_BATCH_SIZE_HPP_

#include <climits>
#include <cstdint>

#include "caffe/common.hpp"

namespace caffe {

/// The batch_size of a prototxt; throws Error where it is missing (0) or no size.
inline int CheckedBatchSize(uint32_t batch_size) {
  CHECK(batch_size > 0 && batch_size <= static_cast<uint32_t>(INT_MAX))
      << "batch_size is " << batch_size << ": set it to a number from 1 to " << INT_MAX;
  return static_cast<int>(batch_size);
}

}  // namespace caffe

#endif  // CAFFE_SRC_DATA_BATCH_SIZE_HPP_
