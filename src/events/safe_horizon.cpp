// SPDX-License-Identifier: Apache-2.0
#include "events/safe_horizon.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tradecore::events {

namespace {

// PREPARE TRANSACTION moves a transaction's locks to a new owner, which is shown as -1/<xid>.
bool is_prepared(const std::string& transaction)
{
    return transaction.starts_with("-1/");
}

} // namespace

std::size_t safe_horizon::rows_ahead(std::span<const std::int64_t> positions)
{
    std::size_t safe = 0;
    while (safe < positions.size() && positions[safe] == delivered_ + 1) {
        ++safe;
        ++delivered_;
    }
    if (fence_ >= 0 && delivered_ >= fence_) {
        take_fence_down();
    }
    if (safe > 0 || positions.empty()) {
        wanted_ = statement::rows_ahead;
    }
    else {
        wanted_ = fence_ < 0 ? statement::last_drawn : statement::lock_holders;
    }
    return safe;
}

void safe_horizon::last_drawn(std::int64_t position, std::string run)
{
    fence_ = position;
    run_ = std::move(run);
    holders_known_ = false;
    holders_.clear();
    wanted_ = statement::lock_holders;
}

bool safe_horizon::lock_holders(std::vector<std::string> transactions, std::string_view run)
{
    if (run != run_) {
        // Whoever held the lock is gone, and positions up to the fence may have been drawn again.
        take_fence_down();
        return true;
    }
    std::ranges::sort(transactions);
    if (!holders_known_) {
        holders_ = std::move(transactions);
        holders_known_ = true;
    }
    else {
        // One of ours may be prepared by now, under a name we cannot know: as long as any of them had
        // its own name last time, every prepared transaction counts.
        const bool names_may_change = !std::ranges::all_of(holders_, is_prepared);
        std::vector<std::string> left;
        for (auto& transaction : transactions) {
            if (std::ranges::binary_search(holders_, transaction) || (names_may_change && is_prepared(transaction))) {
                left.push_back(std::move(transaction));
            }
        }
        holders_ = std::move(left);
    }
    wanted_ = holders_.empty() ? statement::rows_up_to_fence : statement::rows_ahead;
    return holders_.empty();
}

void safe_horizon::rows_up_to_fence(std::span<const std::int64_t> positions, bool complete)
{
    if (!positions.empty()) {
        delivered_ = positions.back();
    }
    if (complete || delivered_ >= fence_) {
        take_fence_down();
    }
}

void safe_horizon::take_fence_down() noexcept
{
    fence_ = -1;
    holders_known_ = false;
    holders_.clear();
    wanted_ = statement::rows_ahead;
}

} // namespace tradecore::events
