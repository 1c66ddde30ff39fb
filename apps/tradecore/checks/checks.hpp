// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checks/check.hpp"
#include "checks/model_folds.hpp"

#include <memory>
#include <span>

/// The single checks. Each looks at committed state and, but for the last two, changes nothing.
/// Errors: what the databases throw; `run_checks` makes failed checks of them.
namespace tradecore::app::checks {

using readmodel::system;

/// What: the read table has the rows and columns that its events say, no others.
boost::asio::awaitable<check_result> check_read_model(database& where, model_fold expected);

/// What: the versions of every stream are 1..n, es.streams knows n, positions rise within a stream and are unique.
boost::asio::awaitable<check_result> check_streams(database& where, system which);

/// What: every order was placed once and ended at most once; placed = filled + cancelled + rejected + open, in the
///   events and in the rows.
boost::asio::awaitable<check_result> check_orders(database& where, system which);

/// What: the legs of every fill sum to zero for each asset; traders' cash + house + fees = deposits for each currency;
///   traders' quantity + house = 0 for each symbol. Cash and quantities from the read tables, the rest from legs.
boost::asio::awaitable<check_result> check_money(database& where, system which);

/// What: the main system has the broker's fills, and the broker the main system's, with the same terms.
boost::asio::awaitable<check_result> check_broker_fills(database& main, database& vb);

/// What: delivering every event again to every projector applies none and leaves all read tables as they are.
/// Params: `source` names the store in the cursors.
boost::asio::awaitable<check_result> check_redelivery(
    database& where, events::event_store& store, system which,
    std::span<const std::unique_ptr<projection::projector>> projectors, std::string source);

/// What: applying the whole log to empty tables, in a schema "rebuild" that exists meanwhile, makes the same rows.
/// Params: `options` connect to the database of `where`.
boost::asio::awaitable<check_result> check_rebuild(
    database& where, events::event_store& store, system which,
    std::span<const std::unique_ptr<projection::projector>> projectors, database_options options);

} // namespace tradecore::app::checks
