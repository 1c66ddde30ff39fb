// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/traced_query.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/trace_comment.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <utility>

namespace tradecore::pg::engine {

namespace {

boost::system::error_code code_of(const std::exception_ptr& error) noexcept
{
    if (!error)
        return {};
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::error& e) {
        return e.code();
    }
    catch (const boost::system::system_error& e) {
        return e.code();
    }
    catch (...) {
        return make_error_code(boost::system::errc::state_not_recoverable);
    }
}

} // namespace

traced_query::traced_query(std::shared_ptr<tracer> to, std::string_view label, sql_text text)
    : to_(std::move(to)), text_(std::move(text)), query_{.label = label, .text = without_trace_comment(text_.text)}
{
    to_->on_query_start(query_);
}

traced_query::~traced_query()
{
    given_up();
}

void traced_query::ended(std::uint64_t rows, const std::exception_ptr& error) noexcept
{
    ended(error ? 0 : rows, code_of(error));
}

void traced_query::given_up() noexcept
{
    ended(0, boost::system::error_code(boost::asio::error::operation_aborted));
}

void traced_query::ended(std::uint64_t rows, boost::system::error_code error) noexcept
{
    const auto told = std::exchange(to_, nullptr);
    if (!told)
        return;
    query_.rows = rows;
    query_.duration = link::clock::now() - since_;
    query_.error_code = error;
    told->on_query_end(query_);
}

} // namespace tradecore::pg::engine
