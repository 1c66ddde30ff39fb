// SPDX-License-Identifier: Apache-2.0
#include "pg/leading_keyword.hpp"

#include <tradecore/pg/batch.hpp>
#include <tradecore/pg/error.hpp>

#include <atomic>

namespace tradecore::pg {

namespace {

std::uint64_t fresh_id()
{
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

} // namespace

batch_aborted::batch_aborted(std::size_t failed, const std::string& message)
    : error(make_error_code(client_errc::batch_aborted), message), failed_(failed)
{}

batch::batch(batch_mode mode) : mode_(mode), id_(fresh_id()) {}

void batch::push_entry(statement added)
{
    // A server that takes COPY data would take the entries behind it for data.
    if (detail::copies_through_client(added.sql.text))
        throw argument_error("COPY cannot be part of a batch; copy_in and copy_out are for that");
    // What was committed in between could not be undone with the rest.
    if (mode_ == batch_mode::one_transaction && detail::controls_transaction(added.sql.text))
        throw argument_error(
            "a batch that is one transaction has no entries that begin or end one; batch_mode::each_alone may");
    entries_.push_back(std::move(added));
}

result& batch_answers::checked(std::size_t position, std::uint64_t batch)
{
    if (batch != batch_ || position >= outcomes_.size())
        throw argument_error("the handle is not of the batch that was answered");
    auto& found = outcomes_[position];
    if (found.error)
        std::rethrow_exception(found.error);
    return found.rows;
}

void batch_answers::require_success() const
{
    // An entry's own error says more than that others were aborted by it.
    std::exception_ptr aborted;
    for (const auto& each : outcomes_) {
        if (!each.error)
            continue;
        try {
            std::rethrow_exception(each.error);
        }
        catch (const batch_aborted&) {
            aborted = each.error;
        }
    }
    if (aborted)
        std::rethrow_exception(aborted);
}

} // namespace tradecore::pg
