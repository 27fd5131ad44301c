#include "worker/config.h"

#include <cstring>
#include <type_traits>

#include "enjoin/error.h"

namespace enjoin {
namespace {

// One description of the fields serves both ways: Out appends, In reads back in the same order.
class Out {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void operator()(const T& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void operator()(const std::string& text) {
    (*this)(static_cast<std::uint64_t>(text.size()));
    bytes += text;
  }
  template <typename T>
  void operator()(const std::vector<T>& list) {
    (*this)(static_cast<std::uint64_t>(list.size()));
    for (const T& item : list) put(item);
  }
  template <typename T>
  void operator()(const std::optional<T>& value) {
    (*this)(value.has_value());
    if (value) put(*value);
  }
  template <typename T>
  void put(const T& item) {
    if constexpr (requires { visit(*this, item); }) {
      visit(*this, item);
    } else {
      (*this)(item);
    }
  }
  std::string bytes;
};

class In {
 public:
  explicit In(std::string_view bytes) : rest(bytes) {}
  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void operator()(T& value) {
    const std::string_view raw = take(sizeof value);
    std::memcpy(static_cast<void*>(&value), raw.data(), sizeof value);
  }
  void operator()(bool& value) {
    const auto byte = static_cast<unsigned char>(take(1)[0]);
    if (byte > 1) throw Error("the workers' configuration is damaged");
    value = byte == 1;
  }
  void operator()(std::string& text) { text = take(count()); }
  template <typename T>
  void operator()(std::vector<T>& list) {
    list.resize(count());
    for (T& item : list) get(item);
  }
  template <typename T>
  void operator()(std::optional<T>& value) {
    bool there = false;
    (*this)(there);
    if (there) get(value.emplace());
  }
  template <typename T>
  void get(T& item) {
    if constexpr (requires { visit(*this, item); }) {
      visit(*this, item);
    } else {
      (*this)(item);
    }
  }
  std::string_view take(std::uint64_t size) {
    if (size > rest.size())
      throw Error("the workers' configuration is damaged, or of another build of enjoin");
    const std::string_view part = rest.substr(0, size);
    rest.remove_prefix(size);
    return part;
  }
  std::uint64_t count() {
    std::uint64_t value = 0;
    (*this)(value);
    if (value > rest.size())
      throw Error("the workers' configuration is damaged, or of another build of enjoin");
    return value;
  }
  std::string_view rest;
};

template <typename Way, typename T>
requires std::is_same_v<std::remove_const_t<T>, TemplateSpec::Rename>
void visit(Way& way, T& rename) {
  way(rename.from);
  way(rename.to);
}

template <typename Way, typename T>
requires std::is_same_v<std::remove_const_t<T>, TemplateSpec::Placed>
void visit(Way& way, T& placed) {
  way(placed.kind);
  way(placed.position);
  way(placed.first);
  way(placed.first_per_value);
  way(placed.slots);
  way(placed.offset);
  way(placed.width);
}

// What only the runner reads (names, definitions, …) is not sent.
template <typename Way, typename T>
requires std::is_same_v<std::remove_const_t<T>, TemplateSpec>
void visit(Way& way, T& spec) {
  way(spec.words);
  way(spec.replace_string);
  way(spec.quote_words);
  way(spec.quote_values);
  way(spec.spread);
  way(spec.append_if_absent);
  way(spec.plus);
  way(spec.renames);
  way(spec.placed);
}

template <typename Way, typename T>
requires std::is_same_v<std::remove_const_t<T>, ResourceLimit>
void visit(Way& way, T& limit) {
  way(limit.resource);
  way(limit.value);
}

template <typename Way, typename T>
requires std::is_same_v<std::remove_const_t<T>, StopStep>
void visit(Way& way, T& step) {
  way(step.signal);
  way(step.wait_ms);
}

template <typename Way, typename T>
requires std::is_same_v<std::remove_const_t<T>, ResultsSpec>
void visit(Way& way, T& results) {
  way(results.keep);
  way(results.folder);
  way(results.name);
  way(results.column_names);
  way(results.by_number);
  way(results.prints_names);
  way(results.table);
}

template <typename Way, typename T>
requires std::is_same_v<std::remove_const_t<T>, JobserverSpec>
void visit(Way& way, T& jobserver) {
  way(jobserver.style);
  way(jobserver.folder);
  way(jobserver.before);
  way(jobserver.behind);
}

template <typename Way, typename T>
requires std::is_same_v<std::remove_const_t<T>, WorkerConfig>
void visit(Way& way, T& config) {
  visit(way, config.command);
  way(config.shell);
  way(config.output);
  way(config.keep_order);
  way(config.wipes_status);
  way(config.tag);
  way(config.max_output_bytes);
  way(config.verbose);
  way(config.leftovers);
  way(config.nice);
  way(config.limits);
  way(config.stop_ladder);
  way(config.signal_mask);
  way(config.open_files_soft);
  way(config.open_files_hard);
  way(config.parallel_pid);
  way(config.scratch_folder);
  way(config.job_input);
  way(config.input_folder);
  visit(way, config.results);
  way(config.compress_program);
  way(config.color);
  way(config.color_failed);
  way(config.latest_line);
  way(config.work_folder);
  way(config.removes_work_folder);
  way(config.slot_variable);
  way(config.terminal);
  way(config.isolate);
  visit(way, config.jobserver);
  way(config.recipes);
  way(config.prints);
  way(config.plain_environment);
}

}  // namespace

std::vector<StopStep> default_stop_ladder() {
  return {{SIGTERM, 200}, {SIGTERM, 100}, {SIGTERM, 50}, {SIGKILL, 25}};
}

std::string pack(const WorkerConfig& config) {
  Out out;
  visit(out, config);
  return std::move(out.bytes);
}

WorkerConfig unpack_worker_config(std::string_view bytes) {
  In in(bytes);
  WorkerConfig config;
  visit(in, config);
  if (!in.rest.empty()) throw Error("the workers' configuration is longer than expected");
  return config;
}

}  // namespace enjoin
