// SPDX-License-Identifier: Apache-2.0
#include "simulate/worker_process.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using tradecore::app::simulate::worker_process;

std::string everything_from(int channel)
{
    std::string text;
    for (char next = 0; ::read(channel, &next, 1) == 1;)
        text += next;
    ::close(channel);
    return text;
}

/// The body of one that goes on until the other end is closed.
int stay(int channel)
{
    everything_from(channel);
    return 0;
}

TEST(worker_process, talks_over_its_channel_and_ends_it_with_itself)
{
    worker_process worker("one", [](int channel) {
        char asked = 0;
        return ::read(channel, &asked, 1) == 1 && ::write(channel, &asked, 1) == 1 ? 0 : 1;
    });
    const int channel = worker.take_channel();
    ASSERT_EQ(::write(channel, "x", 1), 1);
    EXPECT_EQ(everything_from(channel), "x");
    EXPECT_EQ(worker.wait(), std::nullopt);
}

TEST(worker_process, tells_how_it_ended)
{
    worker_process refused("status", [](int) { return 3; });
    EXPECT_EQ(refused.wait(), "ended with status 3");
    worker_process threw("error", [](int) -> int { throw std::runtime_error("nobody hears it"); });
    EXPECT_EQ(threw.wait(), "ended with status 1");
    worker_process killed("signal", &stay);
    ASSERT_EQ(::kill(killed.pid(), SIGKILL), 0);
    EXPECT_EQ(killed.wait(), "was ended by signal 9 (SIGKILL)");
}

TEST(worker_process, ignores_what_a_terminal_sends_to_everybody)
{
    worker_process worker("deaf", [](int channel) {
        if (::write(channel, "r", 1) != 1)
            return 1;
        return stay(channel);
    });
    const int channel = worker.take_channel();
    char ready = 0;
    ASSERT_EQ(::read(channel, &ready, 1), 1);
    for (const int signal : {SIGINT, SIGTERM})
        ASSERT_EQ(::kill(worker.pid(), signal), 0);
    ::close(channel);
    EXPECT_EQ(worker.wait(), std::nullopt);
}

TEST(worker_process, is_gone_after_its_object)
{
    pid_t pid = 0;
    {
        const worker_process worker("forgotten", &stay);
        pid = worker.pid();
        ASSERT_EQ(::kill(pid, SIGSTOP), 0);
    }
    EXPECT_EQ(::waitpid(pid, nullptr, 0), -1) << "it is still our child";
}

TEST(worker_process, lets_go_of_its_siblings)
{
    worker_process first("first", &stay);
    worker_process second("second", [&first](int channel) {
        first.disown();
        return stay(channel);
    });
    // Were our end of it open in the second one, too, the first would wait for ever.
    ::close(first.take_channel());
    EXPECT_EQ(first.wait(), std::nullopt);
    ::close(second.take_channel());
    EXPECT_EQ(second.wait(), std::nullopt);
}

} // namespace
