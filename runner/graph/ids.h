#pragma once

#include <cstddef>
#include <cstdint>

namespace enjoin {

/// A job's place in the plan, from 0, in the order in which it was added or promised.
enum class JobIndex : std::uint32_t {};
/// A stage's place in the plan, from 0.
enum class StageIndex : std::uint32_t {};
enum class PoolIndex : std::uint32_t {};
enum class RequirementIndex : std::uint32_t {};

constexpr std::size_t at(JobIndex job) {
  return static_cast<std::size_t>(job);
}
constexpr std::size_t at(StageIndex stage) {
  return static_cast<std::size_t>(stage);
}
constexpr std::size_t at(PoolIndex pool) {
  return static_cast<std::size_t>(pool);
}
constexpr std::size_t at(RequirementIndex requirement) {
  return static_cast<std::size_t>(requirement);
}

}  // namespace enjoin
