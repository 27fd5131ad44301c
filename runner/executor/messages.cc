#include "runner/executor/messages.h"

#include <type_traits>
#include <utility>
#include <variant>

#include "enjoin/error.h"
#include "runner/executor/frame_text.h"

// Each message is described once, by a function over its fields that both a FrameWriter and a
// FrameReader can be given to.

namespace enjoin {
namespace {

/// The same face for both directions: `pass(field)`.
class Writing {
 public:
  explicit Writing(std::string* body) : writer_(body) {}
  template <class... T>
  void pass(const T&... fields) {
    (writer_.put(fields), ...);
  }
  template <class T>
  void pass_choice(const T& value, T) {
    writer_.put(value);
  }
  template <class T, class Each>
  void pass_list(const std::vector<T>& list, const Each& each) {
    writer_.put(static_cast<std::uint32_t>(list.size()));
    for (const T& item : list) each(*this, item);
  }
  /// Which alternative it is, then its fields.
  template <class V, class Each>
  void pass_variant(const V& value, const Each& each) {
    writer_.put(static_cast<std::uint8_t>(value.index()));
    std::visit([&](const auto& alternative) { each(*this, alternative); }, value);
  }

 private:
  FrameWriter writer_;
};

template <class V, std::size_t... Index>
void emplace(V* value, std::size_t index, std::index_sequence<Index...>) {
  const auto one = [&]<std::size_t At>() {
    if (At == index) value->template emplace<At>();
  };
  (one.template operator()<Index>(), ...);
}

class Reading {
 public:
  explicit Reading(std::string_view body) : reader_(body) {}
  template <class... T>
  void pass(T&... fields) {
    (reader_.take(&fields), ...);
  }
  template <class T>
  void pass_choice(T& value, T last) {
    reader_.take_choice(&value, last);
  }
  template <class T, class Each>
  void pass_list(std::vector<T>& list, const Each& each) {
    list.clear();
    std::uint32_t size = 0;
    reader_.take(&size);
    for (std::uint32_t at = 0; at < size && reader_.good(); ++at) each(*this, list.emplace_back());
  }
  template <class V, class Each>
  void pass_variant(V& value, const Each& each) {
    std::uint8_t index = 0;
    reader_.take(&index);
    if (index >= std::variant_size_v<V>) return reader_.fail();
    emplace(&value, index, std::make_index_sequence<std::variant_size_v<V>>());
    std::visit([&](auto& alternative) { each(*this, alternative); }, value);
  }
  bool done() const { return reader_.done(); }

 private:
  FrameReader reader_;
};

/// T or const T.
template <class T, class As>
concept Is = std::is_same_v<std::remove_const_t<T>, As>;

void fields(auto& with, Is<SetupMessage> auto& message) {
  with.pass(message.host_pid, message.signal_mask);
  auto& options = message.options;
  with.pass(options.cpus, options.memory, options.keep_going);
  with.pass_choice(options.jobserver, Jobserver::kFifo);
  with.pass(options.helpers, options.scratch_folder, message.environment);
}

void fields(auto& with, Is<AddLimitMessage> auto& message) {
  with.pass(message.id, message.options.name, message.options.slots);
}

void fields(auto& with, Is<AddStageMessage> auto& message) {
  auto& options = message.options;
  with.pass(message.id, options.name, options.needs, options.most_running, options.allow_failure);
}

void fields(auto& with, Is<Command> auto& command) {
  with.pass(command.argv, command.shell_line, command.shell, command.name, command.folder,
            command.environment);
  with.pass_variant(command.input, [](auto& inner, auto& input) {
    if constexpr (requires { input.bytes; }) inner.pass(input.bytes);
    if constexpr (requires { input.path; }) inner.pass(input.path);
  });
  with.pass_choice(command.output, Output::kDiscard);
  with.pass(command.stdout_path, command.stderr_path, command.most_output);
  with.pass_list(command.limits,
                 [](auto& inner, auto& limit) { inner.pass(limit.resource, limit.value); });
  with.pass(command.nice, command.timeout);
  with.pass_choice(command.after, AfterJob::kReport);
}

void fields(auto& with, Is<JobOptions> auto& options) {
  with.pass(options.stage, options.needs, options.cpus, options.memory, options.limits,
            options.priority, options.attempts, options.retry_delay, options.retry_backoff,
            options.expected, options.asks);
}

void fields(auto& with, Is<AddJobMessage> auto& message) {
  with.pass(message.id);
  fields(with, message.command);
  fields(with, message.options);
  with.pass(message.targets);
}

void fields(auto& with, Is<AddNeedMessage> auto& message) {
  with.pass(message.job, message.on);
}

void fields(auto& with, Is<CancelMessage> auto& message) {
  with.pass(message.job);
  with.pass_choice(message.how, Stop::kNow);
}

void fields(auto& with, Is<AnswerMessage> auto& message) {
  with.pass(message.job);
  with.pass_choice(message.answer, Answer::kUnchanged);
}

void fields(auto& with, Is<StartedMessage> auto& message) {
  with.pass(message.job, message.attempt);
}

void fields(auto& with, Is<Outcome> auto& outcome) {
  with.pass_variant(outcome, [](auto& inner, auto& kind) {
    using Kind = std::remove_cvref_t<decltype(kind)>;
    if constexpr (std::is_same_v<Kind, Exited>) inner.pass(kind.status);
    if constexpr (std::is_same_v<Kind, Signaled>) {
      inner.pass(kind.signal, kind.core_dumped, kind.out_of_memory);
    }
    if constexpr (std::is_same_v<Kind, TimedOut>) inner.pass(kind.signal);
    if constexpr (std::is_same_v<Kind, Canceled>) inner.pass(kind.started, kind.signal);
    if constexpr (requires { kind.error; }) inner.pass(kind.error);
  });
}

void fields(auto& with, Is<ResourceUse> auto& use) {
  with.pass(use.wall, use.queued, use.user, use.system, use.max_rss_kb, use.minor_faults,
            use.major_faults, use.voluntary_switches, use.involuntary_switches, use.blocks_in,
            use.blocks_out, use.bytes_out, use.bytes_err);
}

void fields(auto& with, Is<EndedMessage> auto& message) {
  auto& report = message.report;
  with.pass(report.id);
  with.pass_choice(report.kind, JobReport::Kind::kDropped);
  with.pass(report.success);
  fields(with, report.outcome);
  fields(with, report.use);
  with.pass(report.attempt, report.slot, report.started_at, report.out, report.err,
            report.output_cut, report.left_processes, report.processes_escaped, report.reason);
  with.pass(message.out.there, message.out.offset, message.out.size);
  with.pass(message.err.there, message.err.offset, message.err.size);
}

void fields(auto& with, Is<RefusedMessage> auto& message) {
  with.pass(message.job, message.stage, message.text);
}

template <class T>
std::string packed(const T& message) {
  std::string body;
  Writing writing(&body);
  if constexpr (requires { fields(writing, message); }) {
    fields(writing, message);
  } else {
    writing.pass(message);
  }
  if (body.size() > kMostFrame) {
    throw Error("a job or message of " + std::to_string(body.size() >> 20) +
                " MiB is too large for the executor: give large inputs as files");
  }
  return body;
}

template <class T>
bool unpacked(std::string_view body, T* message) {
  Reading reading(body);
  if constexpr (requires { fields(reading, *message); }) {
    fields(reading, *message);
  } else {
    reading.pass(*message);
  }
  return reading.done();
}

}  // namespace

std::string pack(const SetupMessage& message) {
  return packed(message);
}
std::string pack(const AddLimitMessage& message) {
  return packed(message);
}
std::string pack(const AddStageMessage& message) {
  return packed(message);
}
std::string pack(const AddJobMessage& message) {
  return packed(message);
}
std::string pack(const AddNeedMessage& message) {
  return packed(message);
}
std::string pack(const CancelMessage& message) {
  return packed(message);
}
std::string pack(const AnswerMessage& message) {
  return packed(message);
}
std::string pack(const StartedMessage& message) {
  return packed(message);
}
std::string pack(const EndedMessage& message) {
  return packed(message);
}
std::string pack(const RefusedMessage& message) {
  return packed(message);
}
std::string pack(JobId job) {
  return packed(job);
}
std::string pack(StageId stage) {
  return packed(stage);
}
std::string pack(std::uint32_t number) {
  return packed(number);
}
std::string pack(std::string_view text) {
  return packed(text);
}

bool unpack(std::string_view body, SetupMessage* message) {
  return unpacked(body, message);
}
bool unpack(std::string_view body, AddLimitMessage* message) {
  return unpacked(body, message);
}
bool unpack(std::string_view body, AddStageMessage* message) {
  return unpacked(body, message);
}
bool unpack(std::string_view body, AddJobMessage* message) {
  return unpacked(body, message);
}
bool unpack(std::string_view body, AddNeedMessage* message) {
  return unpacked(body, message);
}
bool unpack(std::string_view body, CancelMessage* message) {
  return unpacked(body, message);
}
bool unpack(std::string_view body, AnswerMessage* message) {
  return unpacked(body, message);
}
bool unpack(std::string_view body, StartedMessage* message) {
  return unpacked(body, message);
}
bool unpack(std::string_view body, EndedMessage* message) {
  return unpacked(body, message);
}
bool unpack(std::string_view body, RefusedMessage* message) {
  return unpacked(body, message);
}
bool unpack(std::string_view body, JobId* job) {
  return unpacked(body, job);
}
bool unpack(std::string_view body, StageId* stage) {
  return unpacked(body, stage);
}
bool unpack(std::string_view body, std::uint32_t* number) {
  return unpacked(body, number);
}
bool unpack(std::string_view body, std::string* text) {
  return unpacked(body, text);
}

}  // namespace enjoin
