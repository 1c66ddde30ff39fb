// SPDX-License-Identifier: Apache-2.0
#include "pg/protocol/execution_frame.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <utility>
#include <vector>

namespace tradecore::pg::protocol {
namespace {

// What PostgreSQL takes: pq_getmessage with PQ_LARGE_MESSAGE_LIMIT, which is MaxAllocSize - 1.
constexpr std::size_t longest = 0x3fffffff - 1;

/// A text of zeros that takes no memory as long as nobody writes.
class huge_text {
public:
    explicit huge_text(std::size_t size)
        : size_(size),
          at_(::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, /*no file*/ -1, 0))
    {}
    huge_text(const huge_text&) = delete;
    huge_text& operator=(const huge_text&) = delete;
    huge_text(huge_text&&) = delete;
    huge_text& operator=(huge_text&&) = delete;
    ~huge_text() { ::munmap(at_, size_); }

    [[nodiscard]] std::string_view text() const { return {static_cast<const char*>(at_), size_}; }

private:
    std::size_t size_;
    void* at_;
};

TEST(frontend, states_lengths_that_the_server_takes)
{
    EXPECT_EQ(message_length(0), 4U);
    EXPECT_EQ(message_length(longest - 4), longest);
    EXPECT_THROW((void)message_length(longest - 3), argument_error);
    EXPECT_THROW((void)message_length(std::size_t{1} << 40U), argument_error);
}

TEST(frontend, refuses_a_text_that_is_too_long_before_it_copies_it)
{
    const huge_text huge(longest);
    std::string out = "what was there";
    EXPECT_THROW(write_query(out, huge.text()), argument_error);
    EXPECT_THROW(write_parse(out, "a", huge.text()), argument_error);
    EXPECT_THROW(write_copy_data(out, huge.text()), argument_error);
    EXPECT_EQ(out, "what was there");
    EXPECT_LT(out.capacity(), huge.text().size());
}

TEST(frontend, begins_a_session_with_as_much_as_the_server_takes)
{
    const auto with_path_of = [](std::size_t length) {
        std::string out;
        write_startup(out, std::vector<std::pair<std::string, std::string>>{{"search_path", std::string(length, 'a')}});
        return out.size();
    };
    constexpr std::size_t around = 4 + 4 + sizeof "search_path" + 1 + 1; // length, version, the ends of values
    EXPECT_EQ(with_path_of(10'004 - around), 10'004U);
    EXPECT_THROW((void)with_path_of(10'004 - around + 1), argument_error);
}

TEST(frontend, frames_a_message_of_any_length)
{
    const std::string text(70'000, 'x');
    std::string out;
    write_query(out, text);
    EXPECT_EQ(out, std::string("Q\x00\x01\x11\x75", 5) + text + '\0');
    out.clear();
    execution_frame("s", {}, false).write(out, {}, {}, false);
    EXPECT_EQ(out, std::string("B\0\0\0\x0d\0s\0\0\0\0\0\0\0E\0\0\0\x09\0\0\0\0\0", 24));
}

} // namespace
} // namespace tradecore::pg::protocol
