#pragma once
#include "cl_system.h"
#include "cl_landlock.h"
#include "cl_cell.h"
#include "cl_seccomp.h"
#include "cl_listener.h"
#include "cl_doctor.h"
#include "cl_keeper.h"
