"""What an arm is: facts with sources, kinematics, names, and the gate in front of every command."""
