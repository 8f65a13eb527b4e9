story: Two hospitals draw on the patient's own account at once and he agreed to no cash: one of them is paid
given provinces care, home, east
given li of home with 100.00

settle s1 80.00 of li at care agreeing to 0.00 cash
settle s2 80.00 of li at east agreeing to 0.00 cash
expect one of s1, s2 done
expect everything decided
expect li has 20.00
