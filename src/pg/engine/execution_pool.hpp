// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/exchange.hpp"
#include "pg/fsm/query.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace tradecore::pg::engine {

using execution = exchange_of<fsm::execute>;

/// Exchanges of statements for use again: a query then costs no allocation of its own.
///
/// Thread safety: none.
class execution_pool {
public:
    [[nodiscard]] boost::intrusive_ptr<execution> take(fsm::execute::plan&& what)
    {
        if (spare_.empty())
            return make_exchange<fsm::execute>(std::move(what));
        auto taken = std::move(spare_.back());
        spare_.pop_back();
        taken->restart(std::move(what));
        return taken;
    }

    /// Takes back an exchange that nobody waits for; one that is still in flight is left to the link.
    void give_back(boost::intrusive_ptr<execution> used) noexcept
    {
        if (used->use_count() > 1 || spare_.size() == most)
            return;
        used->machine().rest();
        try {
            spare_.push_back(std::move(used));
        }
        catch (...) {
            // no memory to keep it
        }
    }

private:
    static constexpr std::size_t most = 64;

    std::vector<boost::intrusive_ptr<execution>> spare_;
};

} // namespace tradecore::pg::engine
