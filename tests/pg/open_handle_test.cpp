// SPDX-License-Identifier: Apache-2.0
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/copy_in.hpp>
#include <tradecore/pg/copy_out.hpp>
#include <tradecore/pg/cursor.hpp>
#include <tradecore/pg/listener.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

// What is not open says so, instead of reading through a null pointer.
namespace tradecore::pg {
namespace {

template <class Use>
std::string refusal(Use use)
{
    return test::message_of<argument_error>(use);
}

/// Ends of a COPY that nobody reads or writes.
class idle_copy_in final : public detail::copy_in_core {
    const std::shared_ptr<const row_description>& columns() const noexcept override { return columns_; }
    std::string& buffer() noexcept override { return buffer_; }
    boost::asio::awaitable<void> send(std::uint64_t /*rows*/) override { return detail::no_wait(); }
    boost::asio::awaitable<command_tag> finish(std::uint64_t /*rows*/) override { co_return command_tag(); }
    void abandon() noexcept override {}

    std::shared_ptr<const row_description> columns_ = std::make_shared<const row_description>();
    std::string buffer_;
};
class idle_copy_out final : public detail::copy_out_core {
    const std::shared_ptr<const row_description>& columns() const noexcept override { return columns_; }
    boost::asio::awaitable<std::string> read(std::uint64_t /*rows*/) override { co_return std::string(); }
    void abandon() noexcept override {}

    std::shared_ptr<const row_description> columns_ = std::make_shared<const row_description>();
};

TEST(OpenHandle, IsWhatACursorMustBe)
{
    cursor<int> typed;
    cursor<result> untyped;
    EXPECT_EQ(refusal([&] { (void)typed.next(); }), "this cursor is not open");
    EXPECT_EQ(refusal([&] { (void)typed.close(); }), "this cursor is not open");
    EXPECT_EQ(refusal([&] { (void)untyped.next(); }), "this cursor is not open");
    EXPECT_EQ(refusal([&] { (void)untyped.close(); }), "this cursor is not open");
}

TEST(OpenHandle, IsWhatAListenerMustBe)
{
    listener none;
    EXPECT_EQ(refusal([&] { (void)none.next(); }), "this listener is not open");
    EXPECT_EQ(refusal([&] { (void)none.try_next(); }), "this listener is not open");
    EXPECT_EQ(refusal([&] { (void)none.channel(); }), "this listener is not open");
    EXPECT_EQ(refusal([&] { (void)none.missed(); }), "this listener is not open");
}

// NOLINTBEGIN(bugprone-use-after-move): that is what is tested
TEST(OpenHandle, IsWhatACopyToTheServerMustBe)
{
    copy_writer writer(std::make_shared<idle_copy_in>());
    const copy_writer its_new_owner(std::move(writer));
    EXPECT_EQ(refusal([&] { (void)writer.write_row(); }), "this COPY is not open");
    EXPECT_EQ(refusal([&] { (void)writer.full(); }), "this COPY is not open");
    EXPECT_EQ(refusal([&] { (void)writer.flush(); }), "this COPY is not open");
    EXPECT_EQ(refusal([&] { (void)writer.finish(); }), "this COPY is not open");
    copy_in_stream stream(std::make_shared<idle_copy_in>());
    const copy_in_stream streams_new_owner(std::move(stream));
    EXPECT_EQ(refusal([&] { (void)stream.write("x"); }), "this COPY is not open");
    EXPECT_EQ(refusal([&] { (void)stream.finish(); }), "this COPY is not open");
}

TEST(OpenHandle, IsWhatACopyFromTheServerMustBe)
{
    copy_reader<int> reader(std::make_shared<idle_copy_out>());
    const copy_reader<int> its_new_owner(std::move(reader));
    EXPECT_EQ(refusal([&] { (void)reader.next(); }), "this COPY is not open");
    copy_out_stream stream(std::make_shared<idle_copy_out>());
    const copy_out_stream streams_new_owner(std::move(stream));
    EXPECT_EQ(refusal([&] { (void)stream.read(); }), "this COPY is not open");
}
// NOLINTEND(bugprone-use-after-move)

} // namespace
} // namespace tradecore::pg
