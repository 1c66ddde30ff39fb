// SPDX-License-Identifier: Apache-2.0
#include <tradecore/projection/errors.hpp>

#include <boost/uuid/uuid_io.hpp>
#include <fmt/format.h>

#include <utility>

namespace tradecore::projection {

projection_error::projection_error(std::string projection, const std::string& message)
    : std::runtime_error(fmt::format("projection '{}': {}", projection, message)), projection_(std::move(projection))
{}

store_changed::store_changed(std::string projection, uuid checkpoint, uuid store)
    : projection_error(
          std::move(projection), fmt::format(
                                     "its checkpoint belongs to the event store's epoch {}, but the store has epoch "
                                     "{}: the store was restored "
                                     "or replaced; rebuild the read model, or restore it to the same moment",
                                     boost::uuids::to_string(checkpoint), boost::uuids::to_string(store)))
{}

store_changed::store_changed(std::string projection, std::int64_t checkpoint, std::int64_t head)
    : projection_error(
          std::move(projection),
          fmt::format(
              "its checkpoint is at position {}, but the event store ends at {}: the store was restored to an earlier "
              "moment; rebuild the read model, or restore it to the same moment",
              checkpoint, head))
{}

too_many_failures::too_many_failures(std::string projection, std::size_t streams, const std::string& first_error)
    : projection_error(
          std::move(projection),
          fmt::format(
              "{} streams failed in one batch, which is more than their events can be blamed for; nothing was parked "
              "and the worker stopped; first error: {}",
              streams, first_error))
{}

} // namespace tradecore::projection
