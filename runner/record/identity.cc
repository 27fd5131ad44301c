#include "runner/record/identity.h"

// Debian's header warns under our flags.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#define XXH_INLINE_ALL
#include <xxhash.h>
#pragma GCC diagnostic pop

namespace enjoin {

struct IdentityHash::State {
  XXH3_state_t xxh;
};

IdentityHash::IdentityHash() : state_(new State) {
  reset();
}

IdentityHash::~IdentityHash() {
  delete state_;
}

void IdentityHash::reset() {
  XXH3_128bits_reset(&state_->xxh);
}

IdentityHash& IdentityHash::add(std::string_view part) {
  add(std::uint64_t{part.size()});
  XXH3_128bits_update(&state_->xxh, part.data(), part.size());
  return *this;
}

IdentityHash& IdentityHash::add(std::uint64_t number) {
  XXH3_128bits_update(&state_->xxh, &number, sizeof number);
  return *this;
}

std::uint64_t IdentityHash::value64() const {
  return XXH3_128bits_digest(&state_->xxh).low64;
}

std::array<std::uint64_t, 2> IdentityHash::value128() const {
  const XXH128_hash_t value = XXH3_128bits_digest(&state_->xxh);
  return {value.low64, value.high64};
}

}  // namespace enjoin
