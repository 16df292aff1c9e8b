"""The wards: patients made by putting faults into healthy bases."""
