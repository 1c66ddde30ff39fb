// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/vocabulary.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace tradecore::projection {

/// Base of what this room throws.
class projection_error : public std::runtime_error {
public:
    /// @param projection the projector's name.
    projection_error(std::string projection, const std::string& message);

    [[nodiscard]] const std::string& projection() const noexcept { return projection_; }

private:
    std::string projection_;
};

/// The checkpoint does not belong to this store's content: the store was restored from a backup or
/// replaced. Nothing was applied. Rebuild the read model, or restore it to the same moment.
class store_changed : public projection_error {
public:
    /// The store has another epoch than the checkpoint.
    store_changed(std::string projection, uuid checkpoint, uuid store);
    /// The checkpoint is ahead of everything in the store.
    store_changed(std::string projection, std::int64_t checkpoint, std::int64_t head);
};

/// So many streams failed in one batch that the events are hardly to blame. The batch was rolled back,
/// nothing was parked, and the worker stopped.
class too_many_failures : public projection_error {
public:
    too_many_failures(std::string projection, std::size_t streams, const std::string& first_error);
};

} // namespace tradecore::projection
