#include "runner/cli/options.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <boost/program_options/variables_map.hpp>
#include <fmt/format.h>

#include "runner/cli/option_draft.h"
#include "runner/cli/tokenizer.h"
#include "runner/units.h"

// The way of a command line: the tokenizer finds our options and cuts the rest into command and
// inputs; what $PARALLEL and profiles hold goes before them (option_elsewhere.cc); Program_options
// stores the values under their names and calls the setter of each (option_setters_*.cc); the
// setters check the values and note them; option_finish*.cc decide what they mean together.

namespace enjoin {
namespace {

namespace po = boost::program_options;

/// The values of each option that was given go to its setter.
po::options_description describe(const std::vector<OptionToken>& tokens, Draft& draft) {
  po::options_description description;
  for (const OptionToken& token : tokens) {
    const std::string key(token.flag->key());
    if (description.find_nothrow(key, false) != nullptr) continue;
    const Setter& setter = setter_of(key);
    auto* const values = po::value<std::vector<std::string>>()->composing()->notifier(
        [&draft, &setter](const std::vector<std::string>& given) {
          if (setter.repeats) {
            for (const std::string& value : given) setter.set(draft, value);
          } else {
            setter.set(draft, given.back());
          }
        });
    description.add_options()(key.c_str(), values);
  }
  return description;
}

/// The tokens go in as parsed options, not as `--name=value` text: Program_options refuses a text
/// with an empty value.
void read_options(const std::vector<OptionToken>& tokens, Draft& draft) {
  const po::options_description description = describe(tokens, draft);
  po::parsed_options parsed(&description);
  for (const OptionToken& token : tokens)
    parsed.options.emplace_back(std::string(token.flag->key()),
                                std::vector<std::string>{token.value});
  po::variables_map values;
  po::store(parsed, values);
  po::notify(values);
}

/// The options of a stage that hold for those after it as well.
std::vector<OptionToken> inherited_options(const CommandLine& line) {
  constexpr std::string_view kKeys[] = {
      "jobs",          "keep-order", "no-keep-order", "joblog",     "resume",
      "resume-failed", "progress",   "eta",           "bar",        "quiet",
      "dry-run",       "shellquote", "then-sep",      "keep-going", "db"};
  const auto key_of = [](const OptionToken& token) { return token.flag->key(); };
  const bool logged = std::any_of(line.options.begin(), line.options.end(),
                                  [&](const auto& token) { return key_of(token) == "joblog"; });
  std::vector<OptionToken> inherited;
  for (const OptionToken& token : line.options) {
    if (std::find(std::begin(kKeys), std::end(kKeys), key_of(token)) == std::end(kKeys)) continue;
    // What --results says is of one stage alone.
    if (!logged && key_of(token).starts_with("resume")) continue;
    inherited.push_back(token);
    std::string& value = inherited.back().value;
    if (key_of(token) == "joblog" && value != "-" && !value.starts_with('+')) value.insert(0, "+");
  }
  return inherited;
}

Options read_stage(const CommandLine& line, const std::string& program) {
  Draft draft;
  read_options(line.options, draft);
  Invocation stage = finish_options(line, draft, program);
  if (stage.action != Invocation::Action::kRun || !stage.text.empty())
    throw UsageError("options that only show something come before the first command");
  finish_later_stage(line, &stage.options);
  return std::move(stage.options);
}

/// The stages after the first, which is `line`.
std::vector<Options> later_stages(CommandLine line, const Options& first,
                                  const std::string& program, const Elsewhere& elsewhere) {
  std::vector<Options> stages;
  while (line.then) {
    const std::vector<std::string> words = std::move(*line.then);
    const std::vector<OptionToken> inherited = inherited_options(line);
    line = tokenize(program, words, {}, Stage::kLater, inherited);
    const std::vector<std::vector<std::string>> before = words_from_elsewhere(line, elsewhere);
    if (!before.empty()) line = tokenize(program, words, before, Stage::kLater, inherited);
    stages.push_back(read_stage(line, program));
    if (stages.back().dry_run != first.dry_run || stages.back().shell_quotes != first.shell_quotes)
      throw UsageError(
          "--dry-run and --shellquote show all stages, or none: give them before the "
          "first command");
  }
  return stages;
}

CommandLine whole_line(const std::string& program, const std::vector<std::string>& args,
                       const Elsewhere& elsewhere) {
  const std::vector<std::string> words = without_shebang(args);
  CommandLine line = tokenize(program, words);
  const std::vector<std::vector<std::string>> before = words_from_elsewhere(line, elsewhere);
  return before.empty() ? line : tokenize(program, words, before);
}

}  // namespace

const Setter& setter_of(std::string_view key) {
  for (const std::span<const Setter> part :
       {input_setters(), running_setters(), output_setters(), pipe_setters(), info_setters()})
    for (const Setter& setter : part)
      if (setter.key == key) return setter;
  throw UsageError(fmt::format("--{} cannot be used yet", key));  // the tests know of none
}

void throw_malformed(std::string_view option, std::string_view value, std::string_view forms) {
  throw UsageError(fmt::format("{} '{}': expected {}", option, value, forms));
}

void check_given(std::string_view option, const std::string& value, std::string_view forms) {
  if (value.empty()) throw_malformed(option, value, forms);
}

std::uint32_t to_count(const std::string& value, std::string_view option, std::uint32_t least,
                       std::uint32_t most) {
  return static_cast<std::uint32_t>(parse_count(value, option, least, most));
}

Invocation parse_command_line(const std::string& program, const std::vector<std::string>& args,
                              const Elsewhere& elsewhere) {
  try {
    CommandLine line = whole_line(program, args, elsewhere);
    Draft draft;
    read_options(line.options, draft);
    Invocation invocation = finish_options(line, draft, program);
    if (!line.then || invocation.action != Invocation::Action::kRun) return invocation;
    if (invocation.options.selection.retry_failed)
      throw UsageError("--retry-failed and --then exclude each other; use --resume-failed");
    invocation.then = later_stages(std::move(line), invocation.options, program, elsewhere);
    return invocation;
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    throw UsageError(error.what());
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace enjoin
