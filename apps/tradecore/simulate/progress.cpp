// SPDX-License-Identifier: Apache-2.0
#include "simulate/progress.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace tradecore::app::simulate {

namespace {

constexpr std::uint64_t bar_width = 40;
constexpr std::chrono::milliseconds redraw_every{100};

} // namespace

progress::progress(std::uint64_t total) : total_(total), terminal_(::isatty(STDERR_FILENO) == 1) {}

progress::~progress()
{
    if (terminal_ && done_ > 0)
        std::fputs("\n", stderr);
}

void progress::step()
{
    ++done_;
    if (terminal_) {
        const auto now = std::chrono::steady_clock::now();
        if (done_ == total_ || now - drawn_ >= redraw_every) {
            drawn_ = now;
            draw();
        }
        return;
    }
    const auto tenths = done_ * 10 / total_;
    if (tenths > told_tenths_) {
        told_tenths_ = tenths;
        fmt::print(stderr, "orders {}/{}\n", done_, total_);
        std::fflush(stderr);
    }
}

void progress::draw()
{
    const auto filled = done_ * bar_width / total_;
    fmt::print(stderr, "\r[{:=<{}}{:<{}}] {}/{} orders", "", filled, "", bar_width - filled, done_, total_);
    std::fflush(stderr);
}

} // namespace tradecore::app::simulate
