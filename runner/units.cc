#include "runner/units.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <sys/resource.h>

#include "enjoin/error.h"

namespace enjoin {
namespace {

constexpr std::string_view kDurationForms = "seconds, or a sum such as 1.5, 90s, 2m, 1h30m, 1d";
constexpr std::string_view kSizeForms = "bytes, or with a suffix: 64k (1000), 64K (1024), 2M, 1.5G";
constexpr std::string_view kJobsForms =
    "N jobs, N% of the CPUs, +N or -N from the CPUs, 0 for as many as possible, auto, or a "
    "file that holds one of these";

[[noreturn]] void throw_malformed(std::string_view option, std::string_view text,
                                  std::string_view forms) {
  throw Error(fmt::format("{} '{}': expected {}", option, text, forms));
}

/// Takes a decimal number (digits with at most one dot: no sign, no exponent) off the front.
std::optional<double> take_number(std::string_view* text) {
  const std::size_t length = std::min(text->find_first_not_of("0123456789."), text->size());
  double value = 0;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + length, value, std::chars_format::fixed);
  if (error != std::errc() || end != text->data() + length) return std::nullopt;
  text->remove_prefix(length);
  return value;
}

double seconds_in(char unit) {
  switch (unit) {
    case 's':
    case 'S':
      return 1;
    case 'm':
    case 'M':
      return 60;
    case 'h':
    case 'H':
      return 3600;
    case 'd':
    case 'D':
      return 86400;
    default:
      return 0;
  }
}

/// 0 where `suffix` is none.
double suffix_factor(char suffix) {
  constexpr std::string_view kBinary = "KMGTP";
  constexpr std::string_view kDecimal = "kmgtp";
  if (const std::size_t at = kBinary.find(suffix); at != std::string_view::npos)
    return std::pow(1024.0, static_cast<double>(at + 1));
  if (const std::size_t at = kDecimal.find(suffix); at != std::string_view::npos)
    return std::pow(1000.0, static_cast<double>(at + 1));
  return 0;
}

/// A number with at most one suffix, and nothing after it.
std::optional<double> scaled_number(std::string_view text) {
  const std::optional<double> number = take_number(&text);
  if (!number || text.size() > 1) return std::nullopt;
  const double factor = text.empty() ? 1 : suffix_factor(text.front());
  if (factor == 0) return std::nullopt;
  return *number * factor;
}

/// A percentage without its sign; nothing where `text` is no percentage at all.
std::optional<double> percentage(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  const std::optional<double> number = take_number(&text);
  return text.empty() ? number : std::nullopt;
}

}  // namespace

std::chrono::nanoseconds parse_duration(std::string_view text, std::string_view option) {
  double seconds = 0;
  std::string_view rest = text;
  do {
    const std::optional<double> number = take_number(&rest);
    if (!number) throw_malformed(option, text, kDurationForms);
    double unit = 1;
    if (!rest.empty()) {
      unit = seconds_in(rest.front());
      if (unit == 0) throw_malformed(option, text, kDurationForms);
      rest.remove_prefix(1);
    }
    seconds += *number * unit;
  } while (!rest.empty());
  // Nanoseconds in 64 bits reach 292 years.
  if (seconds > 9e9) throw_malformed(option, text, "a duration of less than 280 years");
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::llround(seconds * 1e9)));
}

std::uint64_t parse_size(std::string_view text, std::string_view option) {
  const std::optional<double> bytes = scaled_number(text);
  if (!bytes) throw_malformed(option, text, kSizeForms);
  if (*bytes >= 9e18) throw_malformed(option, text, "less than 8192P bytes");
  return static_cast<std::uint64_t>(*bytes);
}

std::uint64_t parse_count(std::string_view text, std::string_view option, std::uint64_t least,
                          std::uint64_t most) {
  const std::optional<double> number = scaled_number(text);
  const bool whole = number && *number == std::floor(*number);
  if (!whole || *number < static_cast<double>(least) || *number > static_cast<double>(most))
    throw_malformed(option, text, fmt::format("a whole number from {} to {}", least, most));
  return static_cast<std::uint64_t>(*number);
}

TimeoutSpec parse_timeout(std::string_view text) {
  TimeoutSpec spec;
  if (!text.ends_with('%')) {
    try {
      spec.limit = parse_duration(text, "--timeout");
    } catch (const Error& error) {
      throw Error(std::string(error.what()) + "; or 200% of the median run time");
    }
  } else if (const std::optional<double> percent = percentage(text)) {
    spec.percent_of_median = *percent;
  } else {
    throw_malformed("--timeout", text, "a percentage of the median run time, such as 200%");
  }
  return spec;
}

namespace {

enum class LimitUnit : std::uint8_t { kBytes, kCount, kSeconds, kMicroseconds };
struct LimitName {
  std::string_view name;
  int resource;
  LimitUnit unit;
};
// `nice` and `rtprio` are ceilings (20 - nice), as setrlimit(2) has them.
constexpr LimitName kLimitNames[] = {
    {"as", RLIMIT_AS, LimitUnit::kBytes},
    {"core", RLIMIT_CORE, LimitUnit::kBytes},
    {"cpu", RLIMIT_CPU, LimitUnit::kSeconds},
    {"data", RLIMIT_DATA, LimitUnit::kBytes},
    {"fsize", RLIMIT_FSIZE, LimitUnit::kBytes},
    {"memlock", RLIMIT_MEMLOCK, LimitUnit::kBytes},
    {"msgqueue", RLIMIT_MSGQUEUE, LimitUnit::kBytes},
    {"nice", RLIMIT_NICE, LimitUnit::kCount},
    {"nofile", RLIMIT_NOFILE, LimitUnit::kCount},
    {"nproc", RLIMIT_NPROC, LimitUnit::kCount},
    {"rss", RLIMIT_RSS, LimitUnit::kBytes},
    {"rtprio", RLIMIT_RTPRIO, LimitUnit::kCount},
    {"rttime", RLIMIT_RTTIME, LimitUnit::kMicroseconds},
    {"sigpending", RLIMIT_SIGPENDING, LimitUnit::kCount},
    {"stack", RLIMIT_STACK, LimitUnit::kBytes},
};

std::uint64_t limit_value(const LimitName& limit, std::string_view text) {
  if (text == "unlimited") return ~std::uint64_t{0};
  const std::string option = fmt::format("--rlimit {}:", limit.name);
  const auto rounded_up = [](std::chrono::nanoseconds time, std::int64_t unit) {
    return static_cast<std::uint64_t>((time.count() + unit - 1) / unit);
  };
  switch (limit.unit) {
    case LimitUnit::kBytes:
      return parse_size(text, option);
    case LimitUnit::kCount:
      return parse_count(text, option, 0, 1'000'000'000'000);
    case LimitUnit::kSeconds:
      return rounded_up(parse_duration(text, option), 1'000'000'000);
    case LimitUnit::kMicroseconds:
      return rounded_up(parse_duration(text, option), 1'000);
  }
  return 0;
}

ResourceLimit parse_limit(std::string_view item) {
  const std::size_t equals = item.find('=');
  const std::string_view name = item.substr(0, equals);
  if (equals == std::string_view::npos)
    throw_malformed("--rlimit", item, "NAME=VALUE items such as as=2G,nproc=64");
  for (const LimitName& limit : kLimitNames)
    if (limit.name == name) return {limit.resource, limit_value(limit, item.substr(equals + 1))};
  std::string names;
  for (const LimitName& limit : kLimitNames) names += fmt::format(" {}", limit.name);
  throw Error(
      fmt::format("--rlimit '{}': no limit is called '{}'; these are:{}", item, name, names));
}

}  // namespace

std::vector<ResourceLimit> parse_limits(std::string_view text) {
  std::vector<ResourceLimit> limits;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    limits.push_back(parse_limit(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return limits;
}

namespace {

/// A form of -j that is no file.
std::optional<std::uint32_t> jobs_from_form(std::string_view text, std::uint32_t cpus,
                                            std::uint32_t most) {
  double jobs = 0;
  if (is_auto_jobs(text)) return std::max(cpus, 1U);
  if (const std::optional<double> percent = percentage(text)) {
    jobs = std::ceil(cpus * *percent / 100);
  } else {
    const char sign = text.empty() ? '\0' : text.front();
    const std::string_view digits = sign == '+' || sign == '-' ? text.substr(1) : text;
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    if (digits.size() == text.size() && number == 0) return std::max(most, 1U);
    const double change = sign == '-' ? -double{1} * number : double{1} * number;
    jobs = digits.size() == text.size() ? number : cpus + change;
  }
  if (jobs > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(std::max(jobs, 1.0));
}

std::optional<std::string> first_bytes_of(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (!file) return std::nullopt;
  char bytes[256];
  return std::string(bytes, std::fread(bytes, 1, sizeof bytes, file.get()));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

bool is_jobs_file(std::string_view text) {
  return !text.empty() && !jobs_from_form(text, 1, 1);
}

std::uint32_t parse_jobs(std::string_view text, std::uint32_t cpus, std::uint32_t most) {
  if (text.empty()) return std::max(cpus, 1U);
  if (const auto jobs = jobs_from_form(text, cpus, most)) return *jobs;
  const std::optional<std::string> content = first_bytes_of(std::string(text));
  if (!content) throw_malformed("-j", text, kJobsForms);
  if (const auto jobs = jobs_from_form(trimmed(*content), cpus, most)) return *jobs;
  throw Error(fmt::format("-j '{}': the file holds '{}'; expected {}", text,
                          trimmed(*content).substr(0, 40), kJobsForms));
}

}  // namespace enjoin
