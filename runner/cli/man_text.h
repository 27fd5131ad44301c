#pragma once

#include <string_view>

namespace enjoin {

// The parts of the manual page that do not come from the option table. Their markup is told in
// man_page.cc.
extern const std::string_view kManBeforeOptions;
extern const std::string_view kManOptionsIntro;
extern const std::string_view kManAfterOptions;
extern const std::string_view kManEnd;

// The same of the page about run, resume and report.
extern const std::string_view kManRunBeforeOptions;
extern const std::string_view kManRunOptionsIntro;
extern const std::string_view kManRunEnd;

}  // namespace enjoin
