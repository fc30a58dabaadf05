"""What all services share: parameters, errors, formats."""
