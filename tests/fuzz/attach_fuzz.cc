// libFuzzer target: what a worker is started with. Segments with any bytes, sizes and seals are
// either refused with an Error or can be used without leaving them; a configuration is refused or
// says the same when it is packed again.
//
// Input: which of the four, then changes to what a supervisor would have made.

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <sys/mman.h>

#include "enjoin/error.h"
#include "fuzz/fuzz_input.h"
#include "ipc/results.h"
#include "ipc/team_memory.h"
#include "worker/config.h"
#include "worker/template.h"

namespace {

using namespace enjoin;
using namespace enjoin::ipc;
using enjoin::test::FuzzInput;
using enjoin::test::require;

constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

std::string bytes_at(const void* base, std::size_t size) {
  return {static_cast<const char*>(base), size};
}

/// What a healthy team's memory holds.
struct Healthy {
  Healthy() {
    const TeamMemory team =
        TeamMemory::create({.slots = 4, .workers = 2, .print_window = 8, .arena_bytes = 128});
    table = bytes_at(&team.table(), team.table().header.size_bytes);
    control = bytes_at(&team.control(), team.control().header.size_bytes);
    const Segment ring = create_results(4, {1, 2});
    results = bytes_at(ring.base(), ring.size_bytes());
    WorkerConfig settings;
    settings.command.words = {"echo", "{}"};
    settings.tag.emplace(settings.command);
    settings.shell = "/bin/sh";
    settings.limits = {{1, 2}};
    settings.stop_ladder = default_stop_ladder();
    config = pack(settings);
  }
  std::string table, control, results, config;
};

const Healthy& healthy() {
  static const Healthy bytes;
  return bytes;
}

std::string changed(std::string bytes, FuzzInput& input) {
  for (std::uint8_t left = input.number() % 8; left > 0 && !input.empty(); --left) {
    const std::uint64_t value = input.odd_number();
    const std::size_t width = std::size_t{1} << (input.number() % 4);
    const std::size_t at = input.below(static_cast<std::uint32_t>(bytes.size()));
    std::memcpy(bytes.data() + at, &value, std::min(width, bytes.size() - at));
  }
  return bytes;
}

UniqueFd memory_of(const std::string& bytes, FuzzInput& input) {
  UniqueFd fd(::memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  require(static_cast<bool>(fd));
  require(::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  const std::uint8_t odd = input.number();
  if (odd == 1) require(::ftruncate(fd.get(), input.below(8192)) == 0);
  if (odd != 2) require(::fcntl(fd.get(), F_ADD_SEALS, kAllSeals) == 0);
  return fd;
}

void use(const TeamMemory& memory, std::uint32_t number) {
  std::uint64_t sum = memory.orders(memory.workers() - 1).cancel_ticket.load() +
                      memory.block(memory.workers() - 1).current.load() +
                      memory.entry(~std::uint64_t{0}).order;
  for (std::uint32_t position = 0; position < memory.slots(); ++position) {
    const JobSlot slot = memory.slot(position);
    sum += memory.state(position).load();
    for (const char byte : memory.payload(slot)) sum += static_cast<unsigned char>(byte);
  }
  // As a worker does, but that it would wait for a lock that is held.
  RobustMutex::initialise(memory.control().claim_lock);
  ClaimQueue queue(memory, {number % memory.workers(), 1});
  std::uint64_t positions[4];
  std::uint64_t left = 0;
  const std::size_t count = queue.claim(positions, &left);
  require(count <= 4);
  for (std::size_t i = 0; i < count; ++i) {
    require(positions[i] < queue.published());
    if (queue.try_start(positions[i])) queue.release(positions[i]);
  }
  static_cast<void>(sum);
}

void try_team(FuzzInput& input) {
  const std::string table = changed(healthy().table, input);
  const std::string control = changed(healthy().control, input);
  UniqueFd first = memory_of(table, input);
  UniqueFd second = memory_of(control, input);
  use(TeamMemory::attach(std::move(first), std::move(second)), input.number());
}

void try_results(FuzzInput& input) {
  AtomicU64 taken{0};
  Segment ring = Segment::attach(memory_of(changed(healthy().results, input), input),
                                 SegmentKind::kResults, SegmentRights::kSharedWrite);
  if ((input.number() & 1) != 0) {
    ResultWriter writer(std::move(ring), taken);
    for (int i = 0; i < 10; ++i) {
      if (ResultRecord* record = writer.next()) *record = ResultRecord{};
      writer.publish();
    }
    return;
  }
  ResultReader reader(std::move(ring), taken);
  ResultRecord record;
  for (std::uint32_t count = 0; reader.try_take(&record); ++count) {
    require(count <= 1U << 16);
    reader.give_room();
  }
}

void try_config(const std::string& bytes) {
  const WorkerConfig config = unpack_worker_config(bytes);
  require(pack(config) == bytes);
  static_cast<void>(Template::parse(config.command));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  try {
    switch (input.number() % 4) {
      case 0:
        try_team(input);
        break;
      case 1:
        try_results(input);
        break;
      case 2:
        try_config(std::string(input.rest()));
        break;
      default:
        try_config(changed(healthy().config, input));
    }
  } catch (const Error&) {
    // Refused, as it should be.
  }
  return 0;
}
