#include "core/device_memory.hpp"

#ifndef CPU_ONLY

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "core/device_pool.hpp"
#include "core/pieces.hpp"
#include "core/this_device.hpp"
#include "util/amount_text.hpp"

namespace caffe {

namespace {

// Smaller pieces are the pool's: they are many, and may be kept.
const size_t kSmallest = size_t(1) << 20;
// So much beside the slab is worth a larger one; so many slabs are tried.
const size_t kWorthwhile = size_t(32) << 20;
const int kMostSlabs = 8;
// What addresses are multiples of.
const size_t kUnit = 512;

// A large piece of the pool's memory.
class Slab {
 public:
  // Null where the GPU has not that much.
  static std::shared_ptr<Slab> Make(size_t size) {
    int device = 0;
    void* memory = TryTakeFromPool(PoolUse::kPassing, size, ThreadStream(), &device);
    return memory ? std::shared_ptr<Slab>(new Slab(memory, device, size)) : nullptr;
  }
  ~Slab() { GiveBackToPool(memory_, device_, true); }

  size_t size() const { return size_; }
  bool empty() const { return pieces_.taken() == 0; }
  // Null where it has no room.
  char* Take(size_t size) {
    const size_t offset = pieces_.Take(size);
    return offset == Pieces::kNone ? nullptr : memory_ + offset;
  }
  void GiveBack(const void* memory) {
    pieces_.GiveBack(static_cast<const char*>(memory) - memory_);
  }

 private:
  Slab(void* memory, int device, size_t size)
      : memory_(static_cast<char*>(memory)), device_(device), size_(size), pieces_(size, kUnit) {}

  char* const memory_;
  const int device_;
  const size_t size_;
  Pieces pieces_;

  DISABLE_COPY_AND_ASSIGN(Slab);
};

// Bytes taken at present, and the most since a run began.
struct Use {
  size_t now = 0, most = 0;

  void Add(size_t size) { most = std::max(most, now += size); }
  // By how much it has been more than it is; counts anew.
  size_t Passed() {
    const size_t passed = most - now;
    most = now;
    return passed;
  }
};

// What a thread has of a GPU.
struct Account {
  const std::thread::id owner = std::this_thread::get_id();
  std::shared_ptr<Slab> slab;
  int slabs = 0;
  bool has_run = false, running = false;
  Use all, beside_slab;
};

struct Piece {
  size_t size = 0;
  std::shared_ptr<Account> account;
  std::shared_ptr<Slab> slab;
};

// All pieces of the process, by address. Its mutex guards the accounts and slabs, too.
struct Registry {
  std::mutex mutex;
  std::unordered_map<const void*, Piece> pieces;
};

// Never destroyed: memory is given back until the process ends.
Registry& TheRegistry() {
  static Registry* registry = new Registry;
  return *registry;
}

using Lock = std::lock_guard<std::mutex>;

// This thread's, by GPU.
std::map<int, std::shared_ptr<Account>>& Accounts() {
  static thread_local std::map<int, std::shared_ptr<Account>> accounts;
  return accounts;
}

std::shared_ptr<Account> AccountOf(int device) {
  std::shared_ptr<Account>& account = Accounts()[device];
  if (!account) account = std::make_shared<Account>();
  return account;
}

void Register(const void* memory, Piece piece) {
  piece.account->all.Add(piece.size);
  if (!piece.slab) piece.account->beside_slab.Add(piece.size);
  TheRegistry().pieces.emplace(memory, std::move(piece));
}

// Whether it is likely to be given back in this run or the next, and where it may be taken anew at
// once: the same stream comes to it later.
bool IsPassing(const Account& account, size_t size, cudaStream_t stream) {
  return account.running && size >= kSmallest && stream == ThreadStream();
}

// Null where the thread has no slab, or that no room.
void* TakeFromSlab(const std::shared_ptr<Account>& account, size_t size) {
  const Lock lock(TheRegistry().mutex);
  void* memory = account->slab ? account->slab->Take(size) : nullptr;
  if (memory) Register(memory, {size, account, account->slab});
  return memory;
}

// Of a run that took `most` at a time, and had so much of it beside its slab.
size_t SizeOfSlab(size_t most, size_t old_size, size_t beside) {
  const size_t size = most + most / 64;
  // The old one had the size, but its gaps did not: both together are no more than was held.
  return old_size < size ? size : old_size + beside;
}

}  // namespace

void* TakeDeviceMemory(size_t size, cudaStream_t stream, int* device) {
  *device = ThisDevice();
  const auto account = AccountOf(*device);
  const bool passes = IsPassing(*account, size, stream);
  if (passes) {
    if (void* memory = TakeFromSlab(account, size)) return memory;
  }
  const PoolUse use = passes ? PoolUse::kPassing : PoolUse::kKept;
  void* memory = TakeFromPool(use, size, stream, device);
  const Lock lock(TheRegistry().mutex);
  Register(memory, {size, account, nullptr});
  return memory;
}

void GiveBackDeviceMemory(void* memory, int device, bool wait) {
  const AtDevice there(device);
  Registry& registry = TheRegistry();
  Piece piece;
  {
    const Lock lock(registry.mutex);
    piece = registry.pieces.at(memory);
  }
  if (wait) {
    cudaDeviceSynchronize();
  } else if (piece.slab && piece.account->owner != std::this_thread::get_id()) {
    cudaStreamSynchronize(ThreadStream());
  }
  {
    const Lock lock(registry.mutex);
    registry.pieces.erase(memory);
    piece.account->all.now -= piece.size;
    if (piece.slab) {
      piece.slab->GiveBack(memory);
    } else {
      piece.account->beside_slab.now -= piece.size;
    }
  }
  if (!piece.slab) GiveBackToPool(memory, device);
}

void BeginDeviceRun() {
  const auto account = AccountOf(ThisDevice());
  std::shared_ptr<Slab> old;
  size_t most = 0, beside = 0;
  {
    const Lock lock(TheRegistry().mutex);
    account->running = true;
    most = account->all.Passed();
    beside = account->beside_slab.Passed();
    const bool is_first = !std::exchange(account->has_run, true);
    const bool is_free = !account->slab || account->slab->empty();
    if (is_first || beside < kWorthwhile || !is_free || account->slabs == kMostSlabs) return;
    ++account->slabs;
    old.swap(account->slab);
  }
  const size_t old_size = old ? old->size() : 0;
  const size_t size = SizeOfSlab(most, old_size, beside);
  VLOG(1) << "GPU " << ThisDevice() << ": " << BytesText(beside) << " lay beside a slab of "
          << BytesText(old_size) << ": the next one has " << BytesText(size);
  old.reset();
  TrimDeviceMemory();
  auto slab = Slab::Make(size);
  if (!slab && old_size > 0) slab = Slab::Make(old_size);
  const Lock lock(TheRegistry().mutex);
  account->slab = slab;
}

void EndDeviceRun() {
  const Lock lock(TheRegistry().mutex);
  for (const auto& entry : Accounts()) entry.second->running = false;
}

}  // namespace caffe

#endif  // CPU_ONLY
