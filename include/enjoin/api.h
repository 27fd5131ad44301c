#pragma once

/// What the shared library shows of itself; everything else in it is hidden.
#define ENJOIN_API __attribute__((visibility("default")))
/// What is hidden of a class that is shown.
#define ENJOIN_HIDDEN __attribute__((visibility("hidden")))
