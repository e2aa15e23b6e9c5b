#include "caffe/util/blob_copies.hpp"

#include "gpu/array_copies.hpp"

namespace caffe {

void CopyBlobs(const vector<shared_ptr<Blob<float>>>& from,
               const vector<shared_ptr<Blob<float>>>& to) {
  CHECK_EQ(from.size(), to.size()) << " blobs to copy into";
#ifndef CPU_ONLY
  if (Caffe::mode() == Caffe::GPU) {
    ArrayCopies copies;
    for (size_t i = 0; i < from.size(); ++i) {
      to[i]->ReshapeLike(*from[i]);
      copies.Add(from[i]->gpu_data(), to[i]->mutable_gpu_data(), from[i]->count());
    }
    return copies.Finish();
  }
#endif
  for (size_t i = 0; i < from.size(); ++i) to[i]->CopyFrom(*from[i], false, true);
}

}  // namespace caffe
