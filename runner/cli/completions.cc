#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "runner/cli/flag_table.h"
#include "runner/cli/help.h"
#include "runner/cli/run_options.h"

// The three scripts do the same: as long as the words before the cursor are our options, they offer
// options and their values; after them, commands; after the command's first word, what the shell
// itself offers for that command.

namespace enjoin {
namespace {

using Argument = Flag::Argument;

/// The options to offer: those that work and that one may want to write.
std::vector<const Flag*> offered(std::span<const Flag> table = all_flags()) {
  std::vector<const Flag*> flags;
  for (const Flag& flag : table)
    if (flag.standing == Flag::Standing::kHere && flag.group != Flag::Group::kCompat)
      flags.push_back(&flag);
  return flags;
}

/// `text` with a backslash before each byte that is one of `special`.
std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (const char byte : text) {
    if (special.find(byte) != std::string_view::npos) result += '\\';
    result += byte;
  }
  return result;
}

/// `text` inside single quotes, as a POSIX shell reads it.
std::string quoted(std::string_view text) {
  std::string result = "'";
  for (const char byte : text) result += byte == '\'' ? std::string("'\\''") : std::string(1, byte);
  return result + "'";
}

/// "-a|--arg-file": how a case pattern of the shell matches a flag.
std::string case_pattern(const Flag& flag) {
  std::string pattern;
  for (const char letter : flag.letters)
    pattern += fmt::format("{}-{}", pattern.empty() ? "" : "|", letter);
  for_each_name(flag, [&](std::string_view name) {
    pattern += fmt::format("{}--{}", pattern.empty() ? "" : "|", name);
  });
  return pattern;
}

struct OwnCommand {
  std::string_view name;
  std::span<const Flag> flags;
};

std::vector<OwnCommand> own_commands() {
  return {{"run", run_flags()}, {"resume", run_flags()}, {"report", report_flags()}};
}

/// `  case ... esac` that answers for the words behind run, resume and report.
std::string bash_commands() {
  std::string script = "  case ${COMP_WORDS[1]} in\n";
  for (const OwnCommand& command : own_commands()) {
    std::string options;
    std::string values;
    for (const Flag* flag : offered(command.flags)) {
      options += fmt::format("{} ", flag->spelling());
      if (flag->argument != Argument::kRequired) continue;
      values +=
          fmt::format("        {}) mapfile -t COMPREPLY < <({}); return ;;\n", case_pattern(*flag),
                      flag->values == "FILE" || flag->values.empty()
                          ? "compgen -f -- \"$cur\""
                          : fmt::format("compgen -W '{}' -- \"$cur\"", flag->values));
    }
    script += fmt::format(R"(    {0})
      ((COMP_CWORD > 1)) || return
      case ${{COMP_WORDS[COMP_CWORD - 1]}} in
{1}      esac
      case $cur in
        -*) mapfile -t COMPREPLY < <(compgen -W '{2}' -- "$cur") ;;
        *) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
      esac
      return
      ;;
)",
                          command.name, values, options);
  }
  return script + "  esac\n";
}

/// The options of a table as _arguments of zsh takes them, a line each.
std::string zsh_specs(std::span<const Flag> table);

std::string zsh_commands() {
  std::string script = "if (( CURRENT > 2 )); then\n  case $words[2] in\n";
  for (const OwnCommand& command : own_commands()) {
    script += fmt::format(
        "    {0})\n      shift words; (( CURRENT-- ))\n      _arguments -s -S \\\n{1}"
        "        '*:{2}:_files'\n      return ;;\n",
        command.name, zsh_specs(command.flags), command.name == "run" ? "stage or graph" : "file");
  }
  return script + "  esac\nfi\n";
}

std::string fish_commands() {
  std::string script =
      "function __enjoin_command\n    set -l words (commandline -opc)\n"
      "    test (count $words) -gt 1; and test $words[2] = $argv[1]\nend\n";
  for (const OwnCommand& command : own_commands()) {
    for (const Flag* flag : offered(command.flags)) {
      script += fmt::format("complete -c enjoin -n '__enjoin_command {}'", command.name);
      for (const char letter : flag->letters) script += fmt::format(" -s {}", letter);
      if (!flag->name.empty()) script += fmt::format(" -l {}", flag->name);
      if (flag->argument == Argument::kRequired) script += flag->values == "FILE" ? " -r" : " -x";
      if (!flag->values.empty() && flag->values != "FILE")
        script += fmt::format(" -a '{}'", flag->values);
      script += fmt::format(" -d '{}'\n", escaped(flag->summary(), "'\\"));
    }
  }
  return script;
}

}  // namespace

std::string bash_completion() {
  std::string options;
  std::string with_value;
  std::string optional_value;
  std::string values;
  for (const Flag& flag : all_flags()) {
    if (flag.standing != Flag::Standing::kHere) continue;
    if (flag.takes_optional())
      optional_value += fmt::format("{}{}", optional_value.empty() ? "" : "|", case_pattern(flag));
    if (flag.argument == Argument::kRequired)
      with_value += fmt::format("{}{}", with_value.empty() ? "" : "|", case_pattern(flag));
  }
  for (const Flag* flag : offered()) {
    options += fmt::format("{} ", flag->spelling());
    if (flag->takes_optional()) options += fmt::format("{}={} ", flag->spelling(), flag->metavar);
    if (flag->argument == Argument::kNone || flag->values.empty()) continue;
    const std::string words = flag->values == "FILE"
                                  ? "compgen -f -- \"$cur\""
                                  : fmt::format("compgen -W '{}' -- \"$cur\"", flag->values);
    values += fmt::format("    {}) mapfile -t COMPREPLY < <({}); return ;;\n", case_pattern(*flag),
                          words);
  }
  return fmt::format(R"(# bash completion for enjoin, made from its option table.
_enjoin() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} word before='' i=1
  COMPREPLY=()
{4}  # Our options end at the first word that is neither an option nor an option's value.
  while ((i < COMP_CWORD)); do
    word=${{COMP_WORDS[i]}}
    if [[ ${{COMP_WORDS[i + 1]}} == = ]]; then  # --name=value, which bash cuts at the sign
      ((i += 3))
      before=''
      if ((i > COMP_CWORD)); then
        before=$word i=$COMP_CWORD
        [[ $cur != = ]] || cur=
      fi
      continue
    fi
    case $before in {0}) before='' && ((++i)) && continue ;; esac
    case $word in
      --) ((++i)) && before='' && break ;;
      {3}) before='' && ((++i)) ;;
      -?*) before=$word && ((++i)) ;;
      *) break ;;
    esac
  done
  if ((i < COMP_CWORD)); then
    case " ${{COMP_WORDS[*]:i:COMP_CWORD-i}} " in
      *' ::: '* | *' :::: '*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
      *)
        if declare -F _command_offset >/dev/null; then
          _command_offset "$i"
        else
          mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        fi
        ;;
    esac
    return
  fi
  case $before in
{1}    {0}) return ;;
  esac
  case $cur in
    -*) mapfile -t COMPREPLY < <(compgen -W '{2}' -- "$cur") ;;
    *) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
  esac
}}
complete -o default -F _enjoin enjoin
)",
                     with_value, values, options, optional_value, bash_commands());
}

namespace {

std::string zsh_specs(std::span<const Flag> table) {
  std::string specs;
  for (const Flag* flag : offered(table)) {
    const std::string text = escaped(flag->summary(), "[]:\\");
    std::string action;
    if (flag->argument != Argument::kNone) {
      const std::string choices = flag->values == "FILE" ? "_files"
                                  : flag->values.empty() ? " "
                                                         : fmt::format("({})", flag->values);
      action = fmt::format("{}:{}:{}", flag->takes_optional() ? ":" : "",
                           escaped(flag->metavar, ":\\"), choices);
    }
    const auto add = [&](const std::string& spelling, std::string_view sign) {
      // `*`: an option may come again.
      specs += fmt::format("  {} \\\n",
                           quoted(fmt::format("*{}{}[{}]{}", spelling, sign, text, action)));
    };
    for (const char letter : flag->letters) {
      const bool takes = flag->argument == Argument::kRequired;
      if (flag->argument != Argument::kOptional) add(fmt::format("-{}", letter), takes ? "+" : "");
    }
    if (!flag->name.empty()) {
      const bool optional = flag->takes_optional();
      add(flag->spelling(), optional ? "=-" : flag->argument == Argument::kRequired ? "=" : "");
    }
  }
  return specs;
}

}  // namespace

std::string zsh_completion() {
  return std::string(
             "#compdef enjoin\n# zsh completion for enjoin, made from its option table.\n") +
         zsh_commands() + "_arguments -s -S \\\n" + zsh_specs(all_flags()) +
         "  '(-):command:_command_names -e' \\\n  '*::arguments:_normal'\n";
}

std::string fish_completion() {
  std::string script =
      "# fish completion for enjoin, made from its option table.\n"
      "# True until the command's first word is there.\n"
      "function __enjoin_at_options\n"
      "    set -l words (commandline -opc)\n"
      "    set -e words[1]\n"
      "    set -l value 0\n"
      "    for word in $words\n"
      "        if test $value = 1\n"
      "            set value 0\n"
      "            continue\n"
      "        end\n"
      "        switch $word\n";
  std::string with_value;
  std::string completions;
  for (const Flag& flag : all_flags()) {
    if (flag.standing != Flag::Standing::kHere || flag.argument != Argument::kRequired) continue;
    for (const char letter : flag.letters) with_value += fmt::format(" -{}", letter);
    for_each_name(flag, [&](std::string_view name) { with_value += fmt::format(" --{}", name); });
  }
  for (const Flag* flag : offered()) {
    completions += "complete -c enjoin -n __enjoin_at_options";
    for (const char letter : flag->letters) completions += fmt::format(" -s {}", letter);
    if (!flag->name.empty()) completions += fmt::format(" -l {}", flag->name);
    if (flag->argument == Argument::kRequired)
      completions += flag->values == "FILE" ? " -r" : " -x";
    if (!flag->values.empty() && flag->values != "FILE")
      completions += fmt::format(" -a '{}'", flag->values);
    completions += fmt::format(" -d '{}'\n", escaped(flag->summary(), "'\\"));
  }
  script += fmt::format("            case{}\n                set value 1\n", with_value);
  script +=
      "            case '--'\n                return 1\n"
      "            case '-*'\n"
      "            case '*'\n                return 1\n"
      "        end\n    end\n    return 0\nend\n"
      "complete -c enjoin -n 'not __enjoin_at_options' -F\n"
      "complete -c enjoin -n __enjoin_at_options -f -a '(__fish_complete_command)'\n";
  return script + completions + fish_commands();
}

}  // namespace enjoin
