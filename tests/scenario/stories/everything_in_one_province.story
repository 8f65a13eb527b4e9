story: Patient, payer and hospital are in one province: decided at once, with nobody else
given provinces care, home
given chen of home with 10.00
given zhou of home with 300.00
given zhou pays for chen

settle s1 100.00 of chen at home
expect s1 done
expect s1 paid by chen 10.00, zhou 90.00
crash home
restart home
expect zhou has 210.00
refund r1 100.00 of s1
expect r1 done
expect zhou has 300.00
expect chen has 10.00
