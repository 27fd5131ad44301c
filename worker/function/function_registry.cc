#include <atomic>
#include <dlfcn.h>
#include <mutex>
#include <unordered_map>

#include "enjoin/function.h"

namespace enjoin::detail {
namespace {

// FNV-1a. Two names of one program with one value: 2^-64, and it is noticed.
std::uint64_t hash_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// The program or plug-in that a function lies in.
const void* object_of(Function::Run run) {
  Dl_info info{};
  return ::dladdr(reinterpret_cast<const void*>(run), &info) != 0 ? info.dli_fbase : nullptr;
}

}  // namespace

/// All functions. Static objects put themselves in before main, so it needs no construction; the
/// tables are made when something is looked for first, and again when there were changes.
class FunctionList {
 public:
  static void add(Function* function) {
    const std::scoped_lock lock(mutex_);
    function->next_ = first_;
    first_ = function;
    changed_ = true;
    changes_.fetch_add(1, std::memory_order_release);
  }
  static void remove(const Function* function) {
    const std::scoped_lock lock(mutex_);
    for (Function** at = &first_; *at != nullptr; at = &(*at)->next_) {
      if (*at != function) continue;
      *at = function->next_;
      break;
    }
    changed_ = true;
    changes_.fetch_add(1, std::memory_order_release);
  }
  static std::uint64_t changes() noexcept { return changes_.load(std::memory_order_acquire); }
  static const Function* find(std::uint64_t id) {
    const std::scoped_lock lock(mutex_);
    const auto found = tables().by_id.find(id);
    if (found == tables().by_id.end()) return nullptr;
    if (found->second.two) {
      throw Error(std::string("two functions of this program are called ") +
                  found->second.function->name() + ": give one of them another name");
    }
    return found->second.function;
  }
  static const Function* find_address(const void* address) {
    const std::scoped_lock lock(mutex_);
    const auto found = tables().by_address.find(address);
    return found == tables().by_address.end() ? nullptr : found->second;
  }

 private:
  struct Named {
    const Function* function;
    bool two;
  };
  struct Tables {
    std::unordered_map<std::uint64_t, Named> by_id;
    std::unordered_map<const void*, const Function*> by_address;
  };

  static Tables& tables() {
    static Tables* const made = new Tables;  // lives on: functions leave it at the program's end
    if (!changed_) return *made;
    *made = {};
    for (const Function* function = first_; function != nullptr; function = function->next_) {
      if (function->address_ != nullptr) made->by_address.emplace(function->address_, function);
      const auto [at, added] = made->by_id.try_emplace(function->id(), Named{function, false});
      // A template's function may be there once in the program and once in a plug-in: the same.
      if (!added && at->second.function->run() != function->run() &&
          object_of(at->second.function->run()) == object_of(function->run())) {
        at->second.two = true;
      }
    }
    changed_ = false;
    return *made;
  }

  static constinit inline std::mutex mutex_;
  static constinit inline Function* first_ = nullptr;
  static constinit inline std::atomic<std::uint64_t> changes_{1};
  static constinit inline bool changed_ = false;
};

Function::Function(const char* name, const void* address, Run how)
    : name_(name), address_(address), run_(how), id_(hash_of(name)) {
  FunctionList::add(this);
}

Function::~Function() {
  FunctionList::remove(this);
}

std::uint64_t Function::changes() noexcept {
  return FunctionList::changes();
}

const Function* Function::find(std::uint64_t id) {
  return FunctionList::find(id);
}

const Function* Function::find_address(const void* address) {
  return FunctionList::find_address(address);
}

}  // namespace enjoin::detail
