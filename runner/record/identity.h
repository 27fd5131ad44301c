#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace enjoin {

/// What a job is, to be found again in a later run. XXH3 (no defence against those who want two
/// jobs to look alike; 128 bits are plenty against chance).
struct Identity {
  std::array<std::uint64_t, 2> key{};  ///< its name: stage and item, or id; a repeated name counted
  std::uint64_t command = 0;           ///< what is run: argv or shell and line, folder, stdin…
  std::uint64_t environment = 0;       ///< the declared environment
  std::uint64_t input = 0;             ///< the content of the declared inputs; 0: none declared
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// Hashes parts so that ("ab", "c") differs from ("a", "bc").
class IdentityHash {
 public:
  IdentityHash();
  ~IdentityHash();
  IdentityHash(const IdentityHash&) = delete;
  IdentityHash& operator=(const IdentityHash&) = delete;
  IdentityHash& add(std::string_view part);
  IdentityHash& add(std::uint64_t number);
  std::uint64_t value64() const;
  std::array<std::uint64_t, 2> value128() const;
  void reset();

 private:
  struct State;
  State* state_;
};

}  // namespace enjoin
